"""The gate's log is read from the end that matters: it may be large, rotated, and torn."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from v6.clock import NEW_YORK
from v6.journal import gate_log

START = datetime(2026, 11, 24, 10, 0, tzinfo=NEW_YORK)


def write(path: Path, count: int, start: datetime = START) -> list[datetime]:
    """A skip a minute."""
    moments = [datetime.fromtimestamp(start.timestamp() + 60 * number, NEW_YORK) for number in range(count)]
    lines = [f"{at:%Y-%m-%d %H:%M:%S %Z}|health_check||skip|not_slot|\n" for at in moments]
    path.write_text("".join(lines))
    return moments


@pytest.mark.parametrize("minutes", [-5, 0, 1, 250, 498, 499, 500, 800])
def test_reading_from_a_moment_on_finds_what_was_written_since(tmp_path: Path, minutes: int) -> None:
    log = tmp_path / "cron_wrapper.log"
    moments = write(log, 500)
    since = START + timedelta(minutes=minutes)

    assert [line.at for line in gate_log.lines(log, since)] == [at for at in moments if at >= since]


def test_only_the_end_of_a_large_log_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = tmp_path / "cron_wrapper.log"
    moments = write(log, 20_000)
    parsed: list[bytes] = []
    whole = gate_log._parsed
    monkeypatch.setattr(gate_log, "_parsed", lambda text: parsed.append(text) or whole(text))

    assert [line.at for line in gate_log.lines(log, moments[-2])] == moments[-2:]
    assert len(parsed) < 150


def test_rotated_logs_come_first(tmp_path: Path) -> None:
    older = write(tmp_path / "cron_wrapper.2026-11-23.log", 3, START - timedelta(days=1))
    newer = write(tmp_path / "cron_wrapper.log", 3)

    found = [line.at for line in gate_log.lines(tmp_path / "cron_wrapper.log", older[1])]

    assert found == [*older[1:], *newer]


def test_a_line_says_what_the_gate_did(tmp_path: Path) -> None:
    log = tmp_path / "cron_wrapper.log"
    log.write_text(
        "torn\n"
        "2026-11-01 01:30:00 EDT|health_check|2026-11-01T05:30:00Z|skip|slot_taken|\n"
        "2026-11-01 01:30:00 EST|gate||die|cannot_decide|no interpreter: run | make setup\n"
        "2026-11-01 01:3"
    )
    skip, die = gate_log.lines(log)

    assert (skip.word, skip.task, skip.reason) == ("skip", "health_check", "slot_taken")
    assert skip.slot is not None
    assert skip.slot.timestamp() == datetime(2026, 11, 1, 5, 30, tzinfo=UTC).timestamp()
    assert (die.word, die.slot, die.detail) == ("die", None, "no interpreter: run | make setup")
    assert die.at.astimezone(UTC) - skip.at.astimezone(UTC) == timedelta(hours=1)
    assert list(gate_log.lines(tmp_path / "none.log")) == []
