"""Why slots were missed. Each story is told by what it leaves behind: journal, gate log, the host's own start."""

import json

import pytest
from small_home import CHECK, COLLECT, Home, ny

from v6.missed import causes, find, signs, telling
from v6.missed.signs import Clocks

HOURLY = {"script": "scripts/validate_positions.py", "frequency": "hourly", "minute": 35, "days": "every"}


def collected(small: Home, *slots: str) -> None:
    small.ran("collect_option_snapshots", *slots)


def evidence(small: Home) -> str:
    (words,) = {one.evidence for one in small.judged()}
    return words


def test_the_host_was_down(small: Home) -> None:
    small.looked("10:00")
    small.checked("10:00", "10:00")
    collected(small, "10:00", "10:05")
    small.ran("health_check", "12:15")
    collected(small, "12:15")
    small.started("12:12")
    small.at("12:21")

    found = small.causes()

    assert len(found) == 25 + 8
    assert set(found.values()) == {"host_down"}
    assert evidence(small) == (
        "the host was down: last sign of life 2026-11-24 10:05:11 EST, started again 2026-11-24 12:12:00 EST"
    )


def test_a_host_that_was_down_is_one_incident_however_many_tasks(small: Home) -> None:
    small.looked("10:00")
    small.checked("10:00", "10:00")
    small.ran("health_check", "2026-11-25 12:15")
    small.started("2026-11-25 12:12")
    small.at("2026-11-25 12:16")

    found = small.judged()

    assert len(causes.incidents(found)) == 1
    assert telling.title(found).startswith("211 slots missed of 4 tasks: the host was down: last sign of life ")


def test_without_the_reboot_line_the_kernel_tells_when_the_host_was_started(
    small: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    small.schedule({"health_check": CHECK})
    small.looked("10:00")
    small.checked("10:00", "10:00")
    small.ran("health_check", "11:00")
    small.at("11:00")
    monkeypatch.setattr(signs.clock, "shifted", lambda: None)
    monkeypatch.setattr(signs.clock, "since_boot", lambda: (600.0, 600.0))  # at 10:50

    assert small.causes() == {f"health_check 10:{minute}": "host_down" for minute in ("15", "30", "45")}


def test_cron_was_silent_while_the_host_was_up(small: Home) -> None:
    small.looked("10:00")
    small.checked("10:00", "10:00")
    collected(small, "10:00")
    small.ran("health_check", "10:45")
    collected(small, "10:45")
    small.at("10:51")

    assert set(small.causes().values()) == {"cron_silent"}
    assert evidence(small).startswith(
        "cron started nothing from 2026-11-24 10:00:01 EST to 2026-11-24 10:45:01 EST, though the host was up"
    )


def test_a_run_by_hand_shows_that_the_host_was_up(small: Home) -> None:
    small.schedule({"health_check": CHECK})
    small.looked("10:00")
    small.checked("10:00", "10:00")
    small.ran("health_check", "10:45")
    small.started("10:44")
    small.db.execute(
        "UPDATE runs SET ended_at = ? WHERE slot = ?", ("2026-11-24T15:31:00.000Z", "2026-11-24T15:00:00Z")
    )
    small.at("10:51")

    assert small.causes() == {"health_check 10:15": "cron_silent", "health_check 10:30": "cron_silent"}


def test_a_line_was_ignored_while_others_were_started(small: Home) -> None:
    small.looked("10:00")
    small.checked("10:00", "10:45")
    collected(small, "10:00")
    small.at("10:46")

    found = small.causes()

    assert set(found.values()) == {"line_ignored"}
    assert len(found) == 8


def test_a_line_among_others_that_fire_at_other_minutes_was_ignored(small: Home) -> None:
    small.schedule({"health_check": CHECK, "validate_positions": HOURLY})
    small.looked("10:00")
    small.checked("10:00", "11:00")
    small.at("11:00")

    assert small.causes() == {"validate_positions 10:35": "line_ignored"}


def test_two_tasks_between_two_checks_mean_that_cron_was_silent(small: Home) -> None:
    small.schedule({"health_check": CHECK, "collect_option_snapshots": COLLECT, "validate_positions": HOURLY})
    small.looked("10:30")
    small.checked("10:30", "10:45")
    collected(small, "10:30", "10:45")
    small.at("10:46")

    assert set(small.causes().values()) == {"cron_silent"}
    assert len(small.causes()) == 3


def test_the_gate_could_not_decide(small: Home) -> None:
    small.schedule({"health_check": CHECK})
    small.looked("10:00")
    small.checked("10:00", "10:00")
    small.gate_says("10:15", "gate", "|die|cannot_decide|calendar.txt covers 2026-01-01 to 2026-11-23, not 2026-11-24")
    small.ran("health_check", "10:30")
    small.at("10:30")

    assert small.causes() == {"health_check 10:15": "gate_failed"}
    assert "covers 2026-01-01 to 2026-11-23" in evidence(small)


def test_the_gate_started_a_run_that_wrote_nothing(small: Home) -> None:
    small.schedule({"health_check": CHECK})
    small.looked("10:00")
    small.checked("10:00", "10:30")
    small.db.execute("DELETE FROM runs WHERE slot = '2026-11-24T15:15:00Z'")
    claim = find.claim_of(small.paths, "health_check", ny("10:15"))
    claim.parent.mkdir(parents=True)
    claim.touch()
    small.at("10:30")

    assert small.causes() == {"health_check 10:15": "start_failed"}


def test_cron_came_too_late(small: Home) -> None:
    small.schedule({"health_check": CHECK})
    small.looked("10:00")
    small.checked("10:00", "10:30")
    small.db.execute("DELETE FROM runs WHERE slot = '2026-11-24T15:15:00Z'")
    small.gate_says("10:22", "health_check", "|skip|not_slot|")
    small.at("10:30")

    assert small.causes() == {"health_check 10:15": "late"}


@pytest.mark.parametrize(
    ("boot", "awake", "moved", "cause"),
    [
        (3600.0, 600.0, 0.0, "suspended"),
        (1000.0, 1000.0, 2600.0, "clock_jumped"),
        (3600.0, 3600.0, 0.0, "cron_silent"),
        (3600.0, 3600.0, -7200.0, "cron_silent"),
        (3600.0, 3600.0, 9000.0, "cron_silent"),
    ],
    ids=["asleep", "jumped", "neither", "went_back", "elsewhere"],
)
def test_the_clocks_tell_of_sleep_and_jumps(
    small: Home, monkeypatch: pytest.MonkeyPatch, boot: float, awake: float, moved: float, cause: str
) -> None:
    small.schedule({"health_check": CHECK})
    small.looked("10:00")
    small.checked("10:00", "10:00")
    then = Clocks(ny("10:00").timestamp(), 5000.0, 4000.0, signs.present().boot)
    small.db.execute("INSERT INTO marks VALUES ('clocks', ?)", (json.dumps(then),))
    small.ran("health_check", "11:00")
    small.at("11:00")
    monkeypatch.setattr(signs.clock, "epoch", lambda: then.epoch + boot + moved)
    monkeypatch.setattr(signs.clock, "since_boot", lambda: (then.since_boot + boot, then.awake + awake))

    assert small.causes() == {f"health_check 10:{minute}": cause for minute in ("15", "30", "45")}


def test_before_cron_has_ever_started_anything_nothing_is_known(small: Home) -> None:
    small.schedule({"health_check": CHECK})
    small.looked("10:00")
    small.at("10:21")

    assert set(small.causes().values()) == {"unknown"}


def test_every_cause_is_explained_to_the_operator() -> None:
    guide = (find.Paths.locate().root / "docs" / "operations.md").read_text(encoding="utf-8")
    for cause in causes.Cause:
        assert f"| `{cause}` |" in guide
