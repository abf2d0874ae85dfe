"""The nights and the Sunday on which TWS restarts, rehearsed with everything that is known to go wrong then.

Each through the real wrapper and the two jobs; what is expected comes from the scenario's own story.
"""

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from v6.restart.records.report import RestartReport
from v6.restart.records.report_files import ReportFiles

from .conftest import Rehearsed

pytestmark = pytest.mark.integration

Rehearse = Callable[..., Rehearsed]
Site = Callable[..., Path]

RESTART_TASKS = ("pre_restart", "post_restart", "recover_restart", "validate_server_reset")
UNIVERSE = ("queue_option_contracts", "schedule_935_et")
# a person's own program has client id 7; nothing is waited for longer than a test may take
PACE = {"owner_client_ids": [7], "reconnect_first_seconds": 0.5, "reconnect_cap_seconds": 2.0}
QUICK: dict[str, Any] = {
    "restart": {**PACE, "stable_round_trips": 2, "prepare_seconds": 20.0},
    "tws": {"startup_seconds": 4.0},
    "ibkr": {"connect_timeout_seconds": 4.0, "request_timeout_seconds": 4.0},
}


@dataclass(frozen=True)
class Night:
    """`window`: the restart window inside the rehearsed span."""

    date: str
    start: str
    end: str
    window: str


MONDAY = Night("2026-11-23", "23:30", "00:40", "daily_restart")
SUNDAY = Night("2026-11-22", "09:50", "14:30", "sunday_maintenance")
# 23:35:00: at its first second the orders of restart_mid_order are placed
CLOCKS_GO_BACK = Night("2026-10-31", "23:35", "02:10", "daily_restart")
NIGHTS = {"monday": MONDAY, "sunday": SUNDAY, "clocks_go_back": CLOCKS_GO_BACK}
# what this night has of its own: an hour that comes twice under a restart and IBKR's reset after it
DIFFER_WHEN_CLOCKS_GO_BACK = ("reset_after_restart",)

# tests/jobs/test_post_restart.py has each with the same jobs and the same faults, without the schedule around them
WITHOUT_A_SCHEDULE_TOO = (
    "ids_occupied_after_restart",
    "mute_after_restart",
    "farms_flap_after_restart",
    "orders_lost_in_flight",
    "positions_change_while_away",
)

# what depends on a window of four hours; what the others do is over within minutes of the restart
DIFFER_ON_SUNDAY = ("daily_restart", "restart_twice")

# the window of a Sunday is four hours long; one look after it, also after a second restart at 14:08, is enough
HOURLY = {"recover_restart": {"frequency": "hourly", "minute": 15}}

WHOLE_SUNDAY = Night("2026-11-22", "09:50", "00:40", "daily_restart")
WEEKEND = Night("2026-11-20", "23:35", "03:15", "daily_restart")

PREPARED = ["pre_restart", "restarting"]
VALIDATED = ["reconnecting", "validating", "normal"]
WHOLE = [*PREPARED, *VALIDATED]


class Seen:
    """One rehearsed night, and what it left behind."""

    def __init__(self, rehearsed: Rehearsed, night: Night) -> None:
        self.rehearsed, self.night = rehearsed, night
        self.code = rehearsed.code

    @property
    def way(self) -> list[str]:
        """The states it went through, after NORMAL."""
        return [moved["after"] for moved in self.rehearsed.said["states"]]

    @property
    def restarts(self) -> list[tuple[str, str]]:
        return [(one["window"], one["outcome"]) for one in self.rehearsed.said["restarts"]]

    @property
    def observed(self) -> str:
        return str(self.rehearsed.said["restarts"][0]["observed"])

    @property
    def messages(self) -> list[str]:
        """The operator's: how each restart ended."""
        titles = [title.split(":")[0] for title in self.alerts]
        return [title for title in titles if title.startswith("restart ") and not title.startswith("restart window ")]

    @property
    def alerts(self) -> list[str]:
        return [title for title, _ in self.rehearsed.said["alerts"]]

    @property
    def report(self) -> RestartReport:
        """Of the window, as the journal names it."""
        files = ReportFiles(self.rehearsed.home / "var" / "state" / "restarts", 90)
        return next(one for one in map(files.load, files.paths()) if one.window == self.night.window)

    @property
    def text(self) -> str:
        files = ReportFiles(self.rehearsed.home / "var" / "state" / "restarts", 90)
        path = next(one for one in files.paths() if files.load(one).window == self.night.window)
        return path.with_suffix(".txt").read_text(encoding="utf-8")

    def seconds(self, step: str) -> float:
        """How long the last step of that name took."""
        return next(one.seconds for one in reversed(self.report.steps) if one.name == step)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        db = sqlite3.connect(self.rehearsed.home / "var" / "v6.db")
        try:
            return db.execute(query).fetchall()
        finally:
            db.close()

    def went_well(self, *, observed: str = "restarted", messages: Sequence[str] = ("restart restored",)) -> None:
        assert self.code == 0, self.rehearsed.trouble
        assert self.way[:5] == WHOLE
        assert self.way[-1] == "normal"
        assert self.observed == observed
        assert self.messages == list(messages)
        assert self.restarts[0] == (self.night.window, "restored")


Judge = Callable[[Seen], None]


def daily_restart(seen: Seen) -> None:
    seen.went_well()
    assert "Nothing to do." in seen.text


def restart_mid_order(seen: Seen) -> None:
    """One day order and one protective stop are cancelled, once; the rest is followed over the restart."""
    seen.went_well()
    orders = {order.order_id: order for order in seen.report.orders}
    assert {number: order.outcome for number, order in orders.items()} == {41: "cancelled", 43: "cancelled"}
    stop = next(title for title in seen.alerts if "protective stop" in title)
    assert seen.alerts.index(stop) < seen.alerts.index(next(title for title in seen.alerts if "restored" in title))
    assert "filled 40 -> 75" in seen.text
    assert "position changed: QQQ STK in DU9000001: 40 -> 75" in seen.text
    assert "BUY 5 IWM" in seen.text
    assert "place again what you still want of 2 orders that V6 cancelled" in seen.text
    assert seen.rehearsed.said["restarts"][0]["cancelled"] == 2


def orders_lost_in_flight(seen: Seen) -> None:
    """What was lost on its way was nobody's yet; that its ids come again is said, and where to go on."""
    seen.went_well()
    assert "client 7: TWS's next order id is 38099, 38102 was used before: begin at 38103" in seen.text
    assert dict(seen.rows("SELECT client_id, high_water FROM order_ids"))[7] >= 38102


def ids_occupied_after_restart(seen: Seen) -> None:
    """326 is waited for, with the same client id, not answered by another run."""
    seen.went_well()
    assert seen.seconds("reach TWS") > 3
    assert seen.rows("SELECT COUNT(*) FROM runs WHERE task = 'post_restart' AND outcome <> 'skip'") == [(1,)]


def positions_change_while_away(seen: Seen) -> None:
    seen.went_well()
    assert "SPY STK in DU9000001: 100 -> 40" in seen.text
    assert "QQQ STK in DU9000001: 0 -> 25" in seen.text
    assert "check 2 positions: changed meanwhile" in seen.text


def login_never_answered(seen: Seen) -> None:
    """Not one attempt after another: it is said once that a person is needed, and the port alone is looked at (L29)."""
    assert seen.code == 1
    assert seen.way[-1] == "degraded"
    waits = seen.night is SUNDAY
    assert seen.messages == ["restart waiting" if waits else "restart degraded"]
    assert seen.restarts == [(seen.night.window, "waiting" if waits else "degraded")]
    assert set(seen.rehearsed.outcomes("recover_restart")) <= {"skip: tws_away", "skip: nothing_due", "skip: not_yet"}
    assert seen.rehearsed.outcomes("recover_restart")["skip: tws_away"] >= (1 if waits else 2)
    if waits:
        assert "sign in to TWS" in seen.text


def login_answered(seen: Seen) -> None:
    """Once somebody has signed in, it is validated without anybody asking for it."""
    if seen.night is CLOCKS_GO_BACK:  # it is Sunday 01:00 in the middle of it: the next person is needed
        assert seen.messages == ["restart degraded", "restart restored", "restart waiting"]
        assert seen.way[-1] == "degraded"
        return
    assert seen.way[-1] == "normal"
    assert seen.restarts == [(seen.night.window, "restored")]
    assert seen.messages[-1] == "restart restored"
    assert seen.code == 1, "TWS was away when it should have been there"


def restart_never_comes(seen: Seen) -> None:
    seen.went_well(observed="no_restart")


def restart_never_ends(seen: Seen) -> None:
    """It does not say that all is well, and it does not hammer (L29, L30)."""
    assert seen.code == 1
    assert seen.way[:2] == PREPARED
    assert seen.way[-1] == "degraded"
    assert len(seen.messages) == 1
    assert "nobody listens on the API port" in seen.text
    assert seen.rehearsed.outcomes("recover_restart")["skip: tws_away"] >= (1 if seen.night is SUNDAY else 2)


def restart_comes_early(seen: Seen) -> None:
    seen.went_well(observed="no_restart")


def restart_during_preparation(seen: Seen) -> None:
    """The first preparation is cut, a later one saves everything."""
    assert seen.code == 0, seen.rehearsed.trouble
    assert seen.way[-3:] == VALIDATED
    assert seen.messages == ["restart restored"]
    assert seen.report.before is not None
    assert seen.report.before.partial == ()
    assert seen.report.before.positions


def restart_twice(seen: Seen) -> None:
    """The second one, after everything was proven, is noticed by the kernel's table and proven again."""
    seen.went_well(messages=("restart restored", "restart restored"))
    assert seen.way == [*WHOLE, "restarting", *VALIDATED]
    assert seen.restarts == [(seen.night.window, "restored"), ("unexpected", "restored")]
    assert seen.rows("SELECT kind FROM outages WHERE kind = 'listener_changed'") == [("listener_changed",)]


def mute_after_restart(seen: Seen) -> None:
    """Port open does not mean API ready: it is waited for."""
    seen.went_well()
    assert seen.seconds("reach TWS") > 3


def farms_flap_after_restart(seen: Seen) -> None:
    """Broken farms are no reason to say DEGRADED while there is time to see them come back."""
    seen.went_well()
    assert seen.seconds("validate and restore") > 6


def reset_after_restart(seen: Seen) -> None:
    """No restart of TWS: its sockets stay, nothing is validated again but what is due."""
    seen.went_well()
    assert seen.way == WHOLE


def weekly_login(seen: Seen) -> None:
    """Since 01:00 a person is needed, hours before V6 looks: that is said once, and nothing is tried (L29)."""
    assert seen.code == 1
    assert seen.way[-1] == "degraded"
    assert seen.messages == ["restart waiting"]
    assert seen.restarts == [(seen.night.window, "waiting")]
    assert set(seen.rehearsed.outcomes("recover_restart")) == {"skip: tws_away"}


def login_at_next_restart(seen: Seen) -> None:
    """That TWS was well in the afternoon is no proof of a login: its token has been dead since 01:00."""
    assert seen.code == 1
    assert seen.messages == ["restart restored", "restart waiting"]
    assert seen.restarts == [("sunday_maintenance", "restored"), ("daily_restart", "waiting")]
    assert "sign in to TWS" in seen.text


def weekend_reset(seen: Seen) -> None:
    """IBKR promises nothing before 03:00 (1100 all the while): that is no failure, and it is proven when it is over."""
    assert seen.rehearsed.outcomes("post_restart") == {"skip: server_reset": 1}
    assert "post_restart failed" not in seen.alerts
    assert seen.way[-1] == "normal"
    assert seen.restarts == [(seen.night.window, "restored")]
    assert seen.messages[-1] == "restart restored"


JUDGES: dict[str, Judge] = {
    judge.__name__: judge
    for judge in (
        daily_restart, restart_mid_order, orders_lost_in_flight, ids_occupied_after_restart,
        positions_change_while_away, login_never_answered, login_answered, restart_never_comes, restart_never_ends,
        restart_comes_early, restart_during_preparation, restart_twice, mute_after_restart, farms_flap_after_restart,
        reset_after_restart,
    )
}  # fmt: skip


# what begins before the span, or needs a longer one
ELSEWHERE: dict[str, tuple[Night, Judge]] = {
    "weekly_login": (SUNDAY, weekly_login),
    "login_at_next_restart": (WHOLE_SUNDAY, login_at_next_restart),
    "weekend_reset": (WEEKEND, weekend_reset),
}


def cases() -> list[Any]:
    """Every scenario on every night; what only repeats another night, or another test, is in `make soak`."""
    return [
        pytest.param(scenario, night, marks=[pytest.mark.soak] if repeats(scenario, night) else [])
        for scenario in JUDGES
        for night in NIGHTS
    ]


def repeats(scenario: str, night: str) -> bool:
    if night == "monday":
        return scenario in WITHOUT_A_SCHEDULE_TOO
    if night == "sunday":
        return scenario not in DIFFER_ON_SUNDAY
    return night == "clocks_go_back" and scenario not in DIFFER_WHEN_CLOCKS_GO_BACK


@pytest.mark.parametrize(("scenario", "night"), cases())
def test_a_restart_ends_as_its_scenario_must_end(rehearse: Rehearse, site: Site, scenario: str, night: str) -> None:
    # the farms break five seconds after post_restart has begun: it must still be looking
    trips = {"stable_round_trips": 5} if scenario == "farms_flap_after_restart" else {}
    settings = {**QUICK, "restart": {**QUICK["restart"], **trips}}
    config = site(*RESTART_TASKS, pace=HOURLY if night == "sunday" else {}, **settings)

    JUDGES[scenario](rehearsed_night(rehearse, config, NIGHTS[night], scenario))


# the other two: tests/jobs/test_weekly_login.py, test_weekend_reset.py
@pytest.mark.parametrize(
    "scenario",
    [pytest.param(one, marks=[] if one == "login_at_next_restart" else pytest.mark.soak) for one in ELSEWHERE],
)
def test_what_reaches_into_the_rehearsed_hours_from_before_them_happens_too(
    rehearse: Rehearse, site: Site, scenario: str
) -> None:
    """A look each quarter of an hour, which the other nights have, would say the same for hours: here it is the last
    minute's. For an IBKR that is lost post_restart waits as long as its attempt may take."""
    night, judge = ELSEWHERE[scenario]
    once = {
        "pre_restart": {"max_retries": 0},
        "post_restart": {"timeout_seconds": 25},
        "recover_restart": {"frequency": "daily", "time": night.end},
    }

    seen = rehearsed_night(rehearse, site(*RESTART_TASKS, pace=once, **QUICK), night, scenario)

    judge(seen)


def rehearsed_night(rehearse: Rehearse, config: Path, night: Night, scenario: str) -> Seen:
    span = (night.date, "--from", night.start, "--to", night.end, "--no-prologue")
    return Seen(rehearse(*span, "--scenario", scenario, "--config", config), night)


@pytest.mark.parametrize(
    "night", ["monday", *(pytest.param(n, marks=pytest.mark.soak) for n in ("sunday", "clocks_go_back"))]
)
def test_the_subscriptions_of_the_last_session_are_saved_and_proven_again(
    rehearse: Rehearse, site: Site, night: str
) -> None:
    where = NIGHTS[night]
    config = site(*RESTART_TASKS, *UNIVERSE, **QUICK)

    rehearsed = rehearse(where.date, "--from", where.start, "--to", where.end, "--config", config)

    seen = Seen(rehearsed, where)
    seen.went_well(observed="no_restart")
    assert {one["task"] for one in rehearsed.said["prologue"]} == set(UNIVERSE)
    assert seen.report.before is not None
    assert len(seen.report.before.subscriptions) == 12
    assert len(seen.report.proofs) >= 12
    assert seen.report.live is not None
    assert seen.report.live.owed == len(seen.report.proofs)


def test_a_check_that_ibkrs_reset_meets_waits_for_its_end(rehearse: Rehearse, site: Site) -> None:
    """1100 at 00:30 and 1102 fourteen seconds later: the health check of 00:30 does not call TWS broken."""
    config = site(*RESTART_TASKS, "health_check", **QUICK)

    rehearsed = rehearse(
        "2026-11-23", "--from", "23:35", "--to", "00:30", "--no-prologue", "--scenario", "reset_after_restart",
        "--config", config,
    )  # fmt: skip

    Seen(rehearsed, MONDAY).went_well()
    assert rehearsed.outcomes("health_check") == {"success": 4}


def test_a_restart_nobody_validates_is_found_overdue_by_the_health_check(rehearse: Rehearse, site: Site) -> None:
    """L25: the detector works in exactly the state it exists for, still RESTARTING ten minutes after the window."""
    config = site("pre_restart", "health_check", **QUICK)

    rehearsed = rehearse("2026-11-23", "--from", "23:40", "--to", "00:30", "--no-prologue", "--config", config)

    seen = Seen(rehearsed, MONDAY)
    assert seen.code == 1
    assert seen.way == [*PREPARED, "degraded"]
    assert [title for title in seen.alerts if "restart is not over" in title] == [
        "TWS's restart is not over: restarting"
    ]
