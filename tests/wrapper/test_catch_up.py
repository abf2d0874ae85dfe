"""The gate's --catch-up: a slot of the last day that was missed, decided and claimed as its line would have been."""

import subprocess
from datetime import datetime

import pytest

from toy_checkout import ToyCheckout
from v6.clock import NEW_YORK
from v6.journal import events

pytestmark = pytest.mark.integration

STATISTICS = "scripts/calculate_daily_statistics.py"
POSITIONS = "scripts/validate_positions.py"
COLLECT = "scripts/collect_option_snapshots.py"


def epoch(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=NEW_YORK).timestamp())


def catch_up(site: ToyCheckout, slot: object, *arguments: str, now: str = "2026-11-24 19:30", **environ: str) -> "Done":
    """At that time, with a supervisor's interpreter that only says what it was asked to run."""
    stub = site.home / "python"
    if not stub.exists():
        stub.write_text('#!/bin/bash\nprintf "%s\\n" "$*" "slot ${V6_SLOT-none}"\n')
        stub.chmod(0o755)
    offset = f"{epoch(now) + 1 - datetime.now(tz=NEW_YORK).timestamp():.3f}"
    environ = {"V6_PYTHON": str(stub), "V6_CLOCK_OFFSET": offset, **environ}
    return site.gate("--catch-up", str(slot), *arguments, **environ)


Done = subprocess.CompletedProcess[str]


def log_of(site: ToyCheckout) -> list[str]:
    return [line.split("|", 1)[1] for line in site.log.read_text().splitlines()] if site.log.exists() else []


def test_a_missed_slot_is_run_once_and_only_once(site: ToyCheckout) -> None:
    slot = epoch("2026-11-24 18:00")

    done = catch_up(site, slot, STATISTICS, "--symbols", "SPY")

    assert (done.returncode, done.stderr) == (0, "")
    command, slot_line = done.stdout.splitlines()
    assert command == "-S -m v6.runner.supervise calculate_daily_statistics --symbols SPY"
    assert slot_line == f"slot {slot}"
    assert (site.home / "var/slots/calculate_daily_statistics" / str(slot)).exists()
    again = catch_up(site, slot, STATISTICS)
    assert (again.returncode, again.stdout) == (0, "")
    words = "calculate_daily_statistics|2026-11-24T23:00:00Z"
    assert log_of(site) == [f"{words}|catch_up|started|", f"{words}|catch_up|started|", f"{words}|skip|slot_taken|"]


def test_anything_else_is_refused_and_nobody_is_alerted(site: ToyCheckout) -> None:
    refused = [
        (epoch("2026-11-24 18:01"), "not a slot of calculate_daily_statistics"),
        (epoch("2026-11-24 18:00") + 30, "not a slot of calculate_daily_statistics"),
        (epoch("2026-11-24 20:00"), "it lies in the future"),
        (epoch("2026-11-23 18:00"), "not of the last day"),
        (-60, "not seconds since 1970"),
        ("18:00", "not seconds since 1970"),
        (STATISTICS, "not seconds since 1970"),
        ("9" * 30, "not seconds since 1970"),
    ]
    for slot, why in refused:
        done = catch_up(site, slot, STATISTICS)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr == f"cron_wrapper.sh: --catch-up {slot}: {why}\n"
    assert list((site.home / "var/slots").glob("*/*")) == []
    assert log_of(site) == []


def test_it_is_judged_at_its_slot_as_its_line_would_have_been(site: ToyCheckout) -> None:
    assert catch_up(site, epoch("2026-11-24 17:00"), COLLECT).stdout == ""
    assert catch_up(site, epoch("2026-11-26 18:00"), STATISTICS, now="2026-11-26 18:30").returncode == 2  # Thanksgiving
    off = catch_up(site, epoch("2026-11-24 18:00"), STATISTICS, SCHEDULER_CALCULATE_DAILY_STATISTICS_ENABLED="no")
    assert off.stdout == ""

    assert [line.split("|")[3] for line in log_of(site)] == ["phase", "disabled"]


def test_a_task_that_needs_tws_is_not_made_up_while_tws_restarts(site: ToyCheckout) -> None:
    slot = epoch("2026-11-24 05:00")
    assert catch_up(site, slot, POSITIONS, now="2026-11-24 05:50").stdout == ""
    assert log_of(site) == ["validate_positions|2026-11-24T10:00:00Z|skip|restart_window|weekday_morning"]
    assert f"slot {slot}" in catch_up(site, slot, POSITIONS, now="2026-11-24 06:01").stdout


def test_an_edit_is_compiled_first(site: ToyCheckout) -> None:
    text = (site.home / "config" / "production.yaml").read_text()
    site.configure(text.replace("time: close+2h,", "time: close+3h,"))
    stub = str(site.root / ".venv/bin/python")

    done = catch_up(site, epoch("2026-11-24 18:00"), STATISTICS, V6_PYTHON=stub)

    assert "not a slot of calculate_daily_statistics" in done.stderr
    assert events.alerts_since(site.journal(), datetime(2026, 1, 1, tzinfo=NEW_YORK)) == []
