"""The calendar is compiled anew each Sunday, and every difference is told."""

from datetime import date

import pytest
from desk import Desk

from v6.journal import events

pytestmark = pytest.mark.integration

JOB = "refresh_calendar"
SUNDAY = date(2026, 11, 29)


def test_a_calendar_that_was_wrong_is_mended_and_its_days_are_named_l05(desk_without_tws: Desk) -> None:
    desk, file = desk_without_tws, desk_without_tws.home / "var" / "compiled" / "calendar.txt"
    desk.at("05:30", SUNDAY)
    good = file.read_text()
    without_christmas = "".join(line for line in good.splitlines(keepends=True) if not line.startswith("2026-12-25"))
    older = without_christmas.replace("pandas_market_calendars ", "pandas_market_calendars 0.", 1)
    file.write_text(older)

    shown = desk.run(JOB, "--dry-run")
    assert shown.code == 0, shown.words
    assert "NYSE: 2026-12-25 added: closed, was 09:30-16:00" in shown.words
    assert file.read_text() == older

    ran = desk.run(JOB, slot="05:30", day=SUNDAY)
    assert ran.code == 0, ran.words
    assert "NYSE: 2026-12-25 added: closed, was 09:30-16:00" in ran.words
    assert "was pandas_market_calendars 0." in ran.words
    assert file.read_text() == good
    db = desk.journal()
    [alert] = events.undelivered(db)
    assert "2026-12-25" in alert.body
    assert "pandas" not in alert.body  # another version alone changes no day
    assert len(events.recent(db, "calendar_changed")) == 1
    db.close()


def test_what_cannot_be_compiled_is_a_failure_and_the_old_calendar_stays(desk_without_tws: Desk) -> None:
    desk, file = desk_without_tws, desk_without_tws.home / "var" / "compiled" / "calendar.txt"
    good = file.read_text()
    (desk.home / "config" / "calendar_overrides.yaml").write_text("- {date: 2026-13-01}\n")
    desk.at("05:30", SUNDAY)
    ran = desk.run(JOB, V6_TASK=JOB, V6_SLOT=f"{desk.slot('05:30', SUNDAY).timestamp():.0f}")
    assert ran.code == 1, ran.words
    log = "".join(path.read_text() for path in (desk.home / "logs").rglob("*.log"))
    assert "cannot be compiled, the old one stays" in log + ran.words
    assert file.read_text() == good
