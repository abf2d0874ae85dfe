"""The rehearsal starts what Debian's cron would start."""

from datetime import datetime, timedelta

import pytest

from v6.clock import NEW_YORK
from v6.rehearsal.crontab_lines import due, read_crontab


def at(text: str, fold: int = 0) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=NEW_YORK, fold=fold)


def commands(crontab: str, wall: datetime) -> list[str]:
    return [line.command for line in due(read_crontab(crontab).lines, wall)]


def test_a_line_fires_at_its_minutes_and_no_others() -> None:
    crontab = "# a comment\nMAILTO=\n\n*/15 9-16 * * 1-5 collect >> log 2>&1\n"

    assert commands(crontab, at("2026-11-20 09:15")) == ["collect >> log 2>&1"]
    assert commands(crontab, at("2026-11-20 09:16")) == []
    assert commands(crontab, at("2026-11-20 17:00")) == []
    assert commands(crontab, at("2026-11-21 09:15")) == []  # a Saturday


@pytest.mark.parametrize("sunday", ["0", "7"])
def test_sunday_is_0_and_7(sunday: str) -> None:
    assert commands(f"0 8 * * {sunday} tidy", at("2026-11-22 08:00")) == ["tidy"]
    assert commands(f"0 8 * * {sunday} tidy", at("2026-11-23 08:00")) == []


def test_with_both_days_given_either_is_enough() -> None:
    crontab = "0 8 1 * 1 both"

    assert commands(crontab, at("2026-11-01 08:00")) == ["both"]
    assert commands(crontab, at("2026-11-02 08:00")) == ["both"]
    assert commands(crontab, at("2026-11-03 08:00")) == []


def test_a_fixed_time_in_the_skipped_hour_runs_right_after_it() -> None:
    crontab = "30 2 * * * fixed\n30 * * * * hourly\n"

    assert commands(crontab, at("2026-03-08 03:00")) == ["fixed"]
    assert commands(crontab, at("2026-03-08 03:30")) == ["hourly"]


def test_in_the_repeated_hour_only_wildcards_run_again() -> None:
    crontab = "30 1 * * * fixed\n30 * * * * hourly\n"

    assert commands(crontab, at("2026-11-01 01:30")) == ["fixed", "hourly"]
    assert commands(crontab, at("2026-11-01 01:30", fold=1)) == ["hourly"]


@pytest.mark.parametrize("line", ["61 * * * * x", "* * * * x", "a * * * * x", "5-1 * * * * x"])
def test_a_line_that_cannot_be_read_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match=r"out of range|not five fields|not understood|runs backwards"):
        read_crontab(line)


def test_every_quarter_hour_of_the_dst_sundays_is_there_once() -> None:
    lines = read_crontab("*/15 * * * * health").lines
    for day, quarters in (("2026-03-08", 92), ("2026-11-01", 100), ("2026-06-07", 96)):
        start = at(f"{day} 00:00").timestamp()
        end = (at(f"{day} 00:00") + timedelta(days=1)).timestamp()
        minutes = (datetime.fromtimestamp(second, NEW_YORK) for second in range(int(start), int(end), 60))
        assert sum(bool(due(lines, minute)) for minute in minutes) == quarters
