"""When the events of a scenario begin and end: across midnight, over steps of the clock, on nights with DST."""

from datetime import UTC, datetime, timedelta

import pytest

from v6.clock import NEW_YORK
from v6.simulator.faults.model import Faults, Restart, ServerReset
from v6.simulator.faults.scenario import Scenario, ScenarioError

WHOLE = Restart(75.0, 8.0, 3.0)


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=NEW_YORK)


@pytest.fixture
def scenario(tmp_path):
    def load(*events):
        path = tmp_path / "scenario.yaml"
        path.write_text("events:\n" + "\n".join(f"- {event}" for event in events))
        return Scenario.load(path)

    return load


def refused(scenario, text):
    return scenario.at(at(text), Faults())[0].refuse


def begun(scenario, *looks):
    """What begins at the last of these looks."""
    for text in looks:
        found = scenario.at(at(text), Faults())[1]
    return found


def test_a_window_goes_on_after_midnight(scenario):
    late = scenario('{fault: refuse, at: "23:50", for_seconds: 1200}')
    looks = ("2026-11-24 23:49:59", "2026-11-24 23:55", "2026-11-25 00:05", "2026-11-25 00:10")
    assert [refused(late, text) for text in looks] == [False, True, True, False]


def test_a_window_of_one_date_goes_on_for_days_and_does_not_come_again(scenario):
    long = scenario('{fault: refuse, at: "23:00", for_seconds: 180000, date: 2026-11-24}')  # 50 hours
    looks = ("2026-11-24 22:00", "2026-11-25 12:00", "2026-11-27 00:59", "2026-11-27 01:00", "2026-11-28 00:30")
    assert [refused(long, text) for text in looks] == [False, True, True, False, False]


def test_an_event_without_an_end_is_over_at_midnight(scenario):
    open_end = scenario('{fault: refuse, at: "23:00"}')
    assert [refused(open_end, f"2026-11-{text}") for text in ("24 23:59", "25 00:00", "25 23:00")] == [
        True,
        False,
        True,
    ]


def test_a_restart_before_midnight_begins_though_the_clock_is_looked_at_after_it(scenario):
    nightly = scenario('{fault: restart, at: "23:45"}')
    found = begun(nightly, "2026-11-24 23:40", "2026-11-25 00:10")
    assert found == [("restart", Restart(0.0, 0.0, 0.0))]


@pytest.mark.parametrize(
    ("look", "left"),
    [
        ("23:45:00", WHOLE),
        ("23:45:30", Restart(45.0, 8.0, 3.0)),
        ("23:46:17", Restart(0.0, 6.0, 3.0)),
        ("23:46:24", Restart(0.0, 0.0, 2.0)),
        ("23:46:26", Restart(0.0, 0.0, 0.0)),
    ],
)
def test_of_a_restart_that_was_stepped_into_the_rest_is_left(scenario, look, left):
    nightly = scenario('{fault: restart, at: "23:45", value: {refused_seconds: 75, mute_seconds: 8, farm_seconds: 3}}')
    assert begun(nightly, "2026-11-24 23:44", f"2026-11-24 {look}") == [("restart", left)]


@pytest.mark.parametrize(
    ("look", "left"), [("23:45:30", 600.0), ("23:46:23", 600.0), ("23:50:23", 360.0), ("23:59", 0.0)]
)
def test_client_ids_are_occupied_so_long_after_tws_answers_again(scenario, look, left):
    value = "{refused_seconds: 75, mute_seconds: 8, farm_seconds: 3, ids_occupied_seconds: 600}"
    nightly = scenario(f'{{fault: restart, at: "23:45", value: {value}}}')
    [(_, restart)] = begun(nightly, "2026-11-24 23:44", f"2026-11-24 {look}")
    assert restart.ids_occupied_seconds == left


def test_a_login_is_still_waited_for_however_long_ago_the_restart_was(scenario):
    weekly = scenario('{fault: restart, at: "01:00", weekday: sunday, value: {needs_login: true}}')
    found = begun(weekly, "2026-11-21 23:00", "2026-11-23 09:00")
    assert found == [("restart", Restart(0.0, 8.0, 3.0, needs_login=True))]


def test_a_reset_that_was_stepped_over_is_over_but_has_lost_its_data(scenario):
    nightly = scenario('{fault: server_reset, at: "00:15", value: {lost_seconds: 14, data_lost: true}}')
    found = begun(nightly, "2026-11-24 16:00", "2026-11-25 08:00")
    assert found == [("server_reset", ServerReset(0.0, 5.0, data_lost=True))]
    assert begun(nightly, "2026-11-25 08:01") == []


def test_a_reset_that_was_stepped_into_lasts_as_long_as_is_left(scenario):
    nightly = scenario('{fault: server_reset, at: "00:15", value: {lost_seconds: 14}}')
    assert begun(nightly, "2026-11-24 16:00", "2026-11-25 00:15:10") == [("server_reset", ServerReset(4.0))]


def test_everything_between_two_looks_begins_in_the_order_of_its_instants(scenario):
    mixed = scenario('{fault: server_reset, at: "00:15"}', '{fault: garbage, value: bytes, at: "23:45"}')
    found = begun(mixed, "2026-11-24 23:00", "2026-11-26 12:00")
    assert [fault for fault, _ in found] == ["garbage", "server_reset", "garbage", "server_reset"]


def test_of_a_step_of_more_than_a_week_the_last_week_counts(scenario):
    daily = scenario('{fault: half_close, at: "10:00"}')
    assert len(begun(daily, "2026-11-01 12:00", "2026-11-30 12:00")) == 7


def test_a_clock_that_is_set_back_begins_nothing_until_it_is_there_again(scenario):
    daily = scenario('{fault: half_close, at: "10:00"}')
    assert begun(daily, "2026-11-24 11:00", "2026-11-24 09:00") == []
    assert begun(daily, "2026-11-24 10:01") == [("half_close", True)]


def test_what_has_no_time_happens_once_at_the_start(scenario):
    always = scenario("{fault: half_close}")
    assert begun(always, "2026-11-24 11:00") == [("half_close", True)]
    assert begun(always, "2026-11-25 11:00") == []


# what has begun before the first look


RESTART = "{refused_seconds: 75, mute_seconds: 8, farm_seconds: 3}"


@pytest.mark.parametrize(
    ("event", "look", "left"),
    [
        (f'{{fault: restart, at: "23:45", value: {RESTART}}}', "2026-11-24 23:46:17", Restart(0.0, 6.0, 3.0)),
        ('{fault: restart, at: "23:45", value: {refused_seconds: 14400}}', "2026-11-25 00:45",
         Restart(10800.0, 8.0, 3.0)),
        ('{fault: restart, at: "01:00", weekday: sunday, value: {needs_login: true}}', "2026-11-22 09:50",
         Restart(0.0, 8.0, 3.0, needs_login=True)),
        ('{fault: restart, at: "23:45", date: 2026-11-24, value: {refused_seconds: 172800}}', "2026-11-25 23:45",
         Restart(86400.0, 8.0, 3.0)),
        ('{fault: server_reset, at: "23:00", weekday: friday, value: {lost_seconds: 14400}}', "2026-11-21 00:40",
         ServerReset(8400.0)),
    ],
)  # fmt: skip
def test_what_goes_on_at_the_first_look_begins_with_what_is_left_of_it(scenario, event, look, left):
    played = scenario(event)
    [(_, began)] = begun(played, look)
    assert began == left
    assert scenario(event).plan(at(look))[0].startswith("at the start: ")
    assert begun(played, look) == []


@pytest.mark.parametrize(
    ("event", "look"),
    [
        (f'{{fault: restart, at: "23:45", value: {RESTART}}}', "2026-11-24 23:46:26"),
        ('{fault: restart, at: "01:00", weekday: sunday, value: {needs_login: true}}', "2026-11-23 00:00"),
        ('{fault: server_reset, at: "23:00", weekday: friday, value: {lost_seconds: 14400}}', "2026-11-21 03:00"),
        ('{fault: positions_changed, at: "10:00", value: [{symbol: SPY, quantity: 1, price: 650}]}',
         "2026-11-24 10:01"),
        ('{fault: half_close, at: "10:00"}', "2026-11-24 10:00:01"),
    ],
)  # fmt: skip
def test_what_is_over_at_the_first_look_does_not_begin(scenario, event, look):
    assert begun(scenario(event), look) == []


@pytest.mark.parametrize(
    ("event", "first", "last", "happens"),
    [
        ("{fault: no_account}", "2026-11-24 09:00", "2026-11-24 10:00", True),
        ("{fault: no_account, value: false}", "2026-11-24 09:00", "2026-11-24 10:00", False),
        ('{fault: half_close, at: "09:30"}', "2026-11-24 09:00", "2026-11-24 10:00", True),
        ('{fault: half_close, at: "10:30"}', "2026-11-24 09:00", "2026-11-24 10:00", False),
        ('{fault: refuse, at: "08:30", for_seconds: 3600}', "2026-11-24 09:00", "2026-11-24 10:00", True),
        ('{fault: refuse, at: "08:30", for_seconds: 1200}', "2026-11-24 09:00", "2026-11-24 10:00", False),
        ('{fault: restart, at: "01:00", weekday: sunday, value: {needs_login: true}}', "2026-11-22 09:50",
         "2026-11-22 14:30", True),
        ('{fault: restart, at: "01:00", weekday: sunday, value: {needs_login: true}}', "2026-11-23 23:30",
         "2026-11-24 00:40", False),
    ],
)  # fmt: skip
def test_whether_anything_of_it_happens_in_a_span_is_known_before(scenario, event, first, last, happens):
    assert scenario(event).happens(at(first), at(last)) is happens


def test_what_is_switched_off_never_begins(scenario):
    off = scenario('{fault: restart, value: false, at: "10:00"}', '{fault: garbage, value: "", at: "10:00"}',
                   '{fault: drop, value: false, at: "10:00"}')  # fmt: skip
    assert begun(off, "2026-11-24 09:00", "2026-11-24 10:00") == []


def test_a_login_that_was_stepped_over_has_dropped_the_connections_of_before(scenario):
    morning = scenario('{fault: awaiting_login, at: "09:00", for_seconds: 1800}')
    assert begun(morning, "2026-11-24 08:00", "2026-11-24 10:00") == [("drop", True)]
    assert morning.passed == ("awaiting_login",)
    assert begun(morning, "2026-11-25 08:00", "2026-11-25 09:10") == []
    assert morning.passed == ()


# weekdays


def test_an_event_of_a_weekday_is_of_no_other_day(scenario):
    weekly = scenario('{fault: refuse, weekday: sunday, at: "01:00", for_seconds: 60}')
    found = [day for day in range(1, 31) if refused(weekly, f"2026-11-{day:02} 01:00:30")]
    assert found == [1, 8, 15, 22, 29]


def test_an_event_of_a_weekday_goes_on_after_midnight(scenario):
    weekly = scenario('{fault: refuse, weekday: friday, at: "23:00", for_seconds: 14400}')
    assert refused(weekly, "2026-11-28 02:59")
    assert not refused(weekly, "2026-11-28 03:00")
    assert not refused(weekly, "2026-11-29 02:59")


@pytest.mark.parametrize(
    ("event", "complaint"),
    [
        ("{fault: refuse, weekday: sonntag}", "events[0].weekday: 'sonntag'; allowed: monday, tuesday, "),
        ("{fault: refuse, weekday: 7}", "events[0].weekday: 7; allowed: monday, "),
        ("{fault: refuse, weekday: [sunday]}", "events[0].weekday: ['sunday']; allowed: monday, "),
        (
            "{fault: refuse, weekday: sunday, date: 2026-11-29}",
            "events[0].weekday: 'sunday'; allowed only without date",
        ),
        ("{fault: refuse, date: 9999-12-31}", "events[0].date: datetime.date(9999, 12, 31); allowed: a date such as"),
    ],
)
def test_a_wrong_day_is_refused_with_what_is_allowed(scenario, event, complaint):
    with pytest.raises(ScenarioError) as caught:
        scenario(event)
    assert complaint in str(caught.value)


def test_a_scenario_without_events_is_refused(tmp_path):
    path = tmp_path / "scenario.yaml"
    path.write_text("events: []")
    with pytest.raises(ScenarioError, match="events: empty; allowed: at least one fault"):
        Scenario.load(path)


# nights with daylight saving: 2026-03-08 has no 02:30, 2026-11-01 has 01:30 twice


def real_seconds(scenario, first, hours=5):
    """How many seconds it refuses, and when that begins, looked at every minute of real time."""
    start = at(first).astimezone(UTC)
    looks = [start + timedelta(minutes=minute) for minute in range(60 * hours)]
    found = [each for each in looks if scenario.at(each.astimezone(NEW_YORK), Faults())[0].refuse]
    return 60 * len(found), found[0].astimezone(NEW_YORK).strftime("%H:%M") if found else ""


@pytest.mark.parametrize("night", ["2026-03-08", "2026-11-01", "2026-11-02"])
def test_two_hours_are_two_hours_on_every_night(scenario, night):
    assert real_seconds(scenario('{fault: refuse, at: "00:30", for_seconds: 7200}'), f"{night} 00:00") == (
        7200,
        "00:30",
    )


@pytest.mark.parametrize("night", ["2026-03-08", "2026-11-01"])
def test_a_window_that_began_the_evening_before_is_as_long_on_a_night_with_dst(scenario, night):
    late = scenario('{fault: refuse, at: "23:30", for_seconds: 14400}')
    assert real_seconds(late, f"{night} 00:00")[0] == 14400 - 1800


def test_a_time_that_the_night_skips_is_an_hour_later(scenario):
    assert real_seconds(scenario('{fault: refuse, at: "02:30", for_seconds: 600}'), "2026-03-08 00:00") == (
        600,
        "03:30",
    )


@pytest.mark.parametrize(("night", "time"), [("2026-03-08", "02:30"), ("2026-11-01", "01:30"), ("2026-11-01", "01:00")])
def test_what_happens_once_happens_once_on_a_night_with_dst(scenario, night, time):
    daily = scenario(f'{{fault: half_close, at: "{time}"}}')
    start = at(f"{night} 00:00").astimezone(UTC)
    found = [daily.at((start + timedelta(minutes=minute)).astimezone(NEW_YORK), Faults())[1] for minute in range(300)]
    assert sum(map(len, found)) == 1


def test_a_scenario_run_from_now_begins_now_also_in_the_hour_that_comes_twice(scenario):
    now = datetime(2026, 11, 1, 5, 59, 59, tzinfo=UTC)  # 01:59:59 EDT, a second later it is 01:00 EST
    moved = scenario('{fault: refuse, at: "10:00", for_seconds: 60}').from_now(now.astimezone(NEW_YORK))
    found = [moved.at((now + timedelta(seconds=s)).astimezone(NEW_YORK), Faults())[0].refuse for s in (0, 59, 60)]
    assert found == [True, True, False]


# the plan


def test_the_plan_says_what_is_in_force_and_what_comes_next(scenario):
    mixed = scenario(
        "{fault: no_account}", '{fault: drop, at: "10:05"}', '{fault: restart, weekday: sunday, at: "01:00"}'
    )
    assert mixed.plan(at("2026-11-24 09:00")) == [
        "now: no_account", "next: drop at 2026-11-24 10:05", "next: restart at 2026-11-29 01:00",
    ]  # fmt: skip


def test_the_plan_says_that_nothing_is_left_for_today(scenario):
    assert scenario('{fault: drop, at: "10:05", for_seconds: 5}').plan(at("2026-11-24 16:00")) == [
        "nothing of the scenario is left for today: it is 16:00:00", "next: drop at 2026-11-25 10:05",
    ]  # fmt: skip


def test_the_plan_says_that_nothing_will_ever_happen(scenario):
    (line,) = scenario('{fault: drop, at: "10:05", date: 2026-11-23}').plan(at("2026-11-24 16:00"))
    assert line.startswith("every event of the scenario is past at 2026-11-24 16:00:00")
