"""The configuration, what was compiled of it, the calendar; and that a broken one costs no other line."""

import os
import shutil

import pytest
from ward import Ward

from v6 import clock

CONFIGURED = ("configuration", "schedule", "calendar")


def states(ward: Ward) -> dict[str, str]:
    return {name: str(one.state) for name, one in ward.all_of(*CONFIGURED).items()}


def test_a_configuration_that_was_compiled_is_well(ward: Ward) -> None:
    assert states(ward) == dict.fromkeys(CONFIGURED, "ok")
    found = ward.ask("configuration").evidence
    assert found.startswith("valid: default.yaml")
    assert f"{ward.home}/config/production.yaml" in found


def test_a_wrong_value_is_named_with_its_file_and_key_and_the_last_good_one_goes_on(ward: Ward) -> None:
    (ward.home / "config" / "production.yaml").write_text("ibkr: {port: 99999}\nhealth: {check_symbl: SPY}\n")
    found = ward.ask("configuration")
    assert found.state == "failed"
    assert "config/production.yaml: ibkr.port: 99999 is wrong" in found.evidence
    assert "config/production.yaml: health.check_symbl: unknown key" in found.evidence
    assert "v6 schedule check" in found.cure
    assert ward.ask("disk").state == "ok", "by the last good configuration"


def test_yaml_that_is_none_and_nothing_compiled_leave_the_rest_of_the_lines(ward: Ward) -> None:
    (ward.home / "config" / "production.yaml").write_bytes(b"ibkr: [\xff\x00")
    shutil.rmtree(ward.home / "var" / "compiled")
    found = ward.all_of(*CONFIGURED, "disk", "scripts", "tzdata")
    assert [str(one.state) for one in found.values()] == [
        *("failed", "failed", "failed"),
        "could_not_check",
        "ok",
        "ok",
    ], found
    assert found["disk"].evidence == "no configuration can be used, see the line configuration"
    assert "nothing was ever compiled here" in found["schedule"].evidence


def test_a_task_that_can_never_run_is_refused(ward: Ward) -> None:
    task = {"frequency": "daily", "time": "03:00", "market_phase": "market_open"}
    ward.configure(scheduler={"tasks": {"calculate_daily_statistics": task}})
    assert "calculate_daily_statistics" in ward.ask("configuration").evidence
    assert ward.ask("configuration").state == "failed"


def test_a_secret_that_others_can_read_is_said(ward: Ward) -> None:
    (ward.home / ".env").chmod(0o644)
    assert "others can read it" in ward.ask("configuration").evidence


def test_a_fresh_edit_is_the_gates_to_compile_an_old_one_that_nobody_compiled_is_wrong(ward: Ward) -> None:
    ward.configure(health={"min_calendar_days": 30})
    found = ward.ask("schedule")
    assert (found.state, "config/production.yaml was edited" in found.evidence) == ("ok", True)
    old = clock.epoch() - 3600
    os.utime(ward.home / "config" / "production.yaml", (old, old))
    found = ward.ask("schedule")
    assert (found.state, "has not since 20 min" in found.evidence) == ("failed", True)
    ward.compile()
    assert ward.ask("schedule").evidence.endswith("up to date")


def test_a_refused_edit_is_told_with_its_reason(ward: Ward) -> None:
    from v6.scheduler.compile import compile_all

    ward.configure(ibkr={"port": 0})
    assert compile_all(ward.paths).error
    found = ward.ask("schedule")
    assert found.state == "failed"
    assert (
        "the last good schedule is in force, a later edit was refused: config/production.yaml: ibkr.port"
        in found.evidence
    )


@pytest.mark.parametrize("damage", [b"", b"# v6 schedule 1\n", b"# v6 schedule 2\ntask|x|y\n", b"\xff\xfe\x00"])
def test_a_compiled_schedule_that_is_spoilt_is_wrong(ward: Ward, damage: bytes) -> None:
    (ward.home / "var" / "compiled" / "schedule.txt").write_bytes(damage)
    assert ward.ask("schedule").state == "failed"


def test_a_checkout_that_was_moved_is_noticed(ward: Ward) -> None:
    moved = ward.root.with_name("moved")
    ward.root.rename(moved)
    ward.root = moved
    assert f"this is {moved}" in ward.ask("schedule").evidence
    assert ward.ask("schedule").state == "failed"


def test_a_script_without_its_gate_file_is_noticed(ward: Ward) -> None:
    (ward.home / "var" / "compiled" / "gate" / "health_check.txt").unlink()
    assert ward.ask("schedule").evidence.endswith("gate lacks health_check")


def test_a_calendar_that_runs_out_is_wrong_before_it_does(ward: Ward) -> None:
    path = ward.home / "var" / "compiled" / "calendar.txt"
    head, _, rest = path.read_text().partition("\n")
    words = head.split()
    at = words.index("covers")
    words[at + 2] = f"{clock.now():%Y-%m-%d}"
    path.write_text(f"{' '.join(words)}\n{rest}")
    found = ward.ask("calendar")
    assert (found.state, found.evidence.startswith("covers 0 more days")) == ("failed", True)
    assert "refresh_calendar" in found.cure


@pytest.mark.parametrize("damage", [b"", b"\xff", b"# v6 calendar 1 x covers soon later\n"])
def test_a_calendar_that_cannot_be_read_is_wrong(ward: Ward, damage: bytes) -> None:
    (ward.home / "var" / "compiled" / "calendar.txt").write_bytes(damage)
    assert ward.ask("calendar").state == "failed"
