"""The live view's file: what the session last saw, whole at any moment, and never a burden."""

import os
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from v6 import clock
from v6.model import Contract, MissReason, Quote, QuoteStatus
from v6.session import live
from v6.session.live import Live

AT = datetime(2026, 11, 24, 15, 35, tzinfo=UTC)
SPY = Contract("STK", "SPY", "SMART")
CALL = Contract("OPT", "SPY", "SMART", con_id=7, expiry=date(2026, 12, 18), strike=600.0, right="C")


class Log:
    def __init__(self) -> None:
        self.warnings: list[str] = []

    def debug(self, message: str, /) -> None: ...
    def info(self, message: str, /) -> None: ...
    def warning(self, message: str, /) -> None:
        self.warnings.append(message)


class Time:
    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 100.0
        monkeypatch.setattr(clock, "monotonic", lambda: self.now)


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Time:
    return Time(monkeypatch)


@pytest.fixture
def log() -> Log:
    return Log()


def quote(contract: Contract, bid: float, status: QuoteStatus = QuoteStatus.COMPLETE) -> Quote:
    reason = None if status is QuoteStatus.COMPLETE else MissReason.NO_TICK
    return Quote(contract, status, AT, reason, bid=bid, ask=bid + 0.1, iv=None)


def bids(path: Path) -> list[tuple[str, str, float]]:
    seen = live.read(path)
    assert seen is not None
    return [(row["sec_type"], row["source"], row["bid"]) for row in seen.quotes]


def test_streams_and_cycles_are_read_as_they_were_written(tmp_path: Path, log: Log, time: Time) -> None:
    path = tmp_path / "live" / "quotes.json"
    writer = Live(path, log)
    writer.stream([quote(SPY, 600.0)])
    writer.cycle("collect_option_snapshots", [quote(CALL, 9.5), quote(SPY, 1.0, QuoteStatus.MISSING)])
    writer.write()
    seen = live.read(path)
    assert seen is not None
    assert seen.pid == os.getpid()
    assert 0 <= seen.age < 60
    assert seen.quotes[1] == {
        "symbol": "SPY", "sec_type": "OPT", "local_symbol": "", "expiry": "2026-12-18", "strike": 600.0, "right": "C",
        "bid": 9.5, "ask": 9.6, "last": None, "iv": None, "delta": None, "at": AT.isoformat(), "source": "cycle",
    }  # fmt: skip
    assert bids(path) == [("STK", "stream", 600.0), ("OPT", "cycle", 9.5)]


def test_a_cycle_replaces_what_its_own_collector_said_before(tmp_path: Path, log: Log, time: Time) -> None:
    writer = Live(tmp_path / "quotes.json", log)
    writer.cycle("collect_option_snapshots", [quote(CALL, 9.5)])
    writer.cycle("collect_futures_snapshots", [quote(Contract("FUT", "ES", "CME"), 6000.0)])
    writer.cycle("collect_option_snapshots", [quote(CALL, 9.7)])
    writer.write()
    assert bids(writer.path) == [("OPT", "cycle", 9.7), ("FUT", "cycle", 6000.0)]


def test_it_is_written_at_most_once_a_second_and_only_when_something_changed(
    tmp_path: Path, log: Log, time: Time
) -> None:
    writer = Live(tmp_path / "quotes.json", log)
    for bid in (1.0, 2.0):
        writer.stream([quote(SPY, bid)])
        writer.write()
        time.now += 0.5
    assert bids(writer.path) == [("STK", "stream", 1.0)]
    time.now += 0.6
    writer.write()
    assert bids(writer.path) == [("STK", "stream", 2.0)]
    written = writer.path.stat().st_mtime_ns
    time.now += 5
    writer.write()
    assert writer.path.stat().st_mtime_ns == written


def test_a_large_file_is_written_less_often_but_within_eight_seconds(tmp_path: Path, log: Log, time: Time) -> None:
    writer = Live(tmp_path / "quotes.json", log)
    writer.cycle("collect_option_snapshots", [quote(CALL, float(number)) for number in range(8000)])
    writer.write()
    assert writer.path.stat().st_size > 1_000_000
    for later, expected in ((7.9, None), (0.2, 1.0)):
        time.now += later
        writer.stream([quote(SPY, 1.0)])
        writer.write()
        first = bids(writer.path)[0]
        assert (first[2] if first[1] == "stream" else None) == expected


def test_a_disk_that_refuses_is_said_once_and_hurts_nobody(tmp_path: Path, log: Log, time: Time) -> None:
    (tmp_path / "live").write_text("a file where the folder should be")
    writer = Live(tmp_path / "live" / "quotes.json", log)
    for _ in range(3):
        writer.stream([quote(SPY, 1.0)])
        writer.write()
        time.now += 2
    assert len(log.warnings) == 1
    assert str(writer.path) in log.warnings[0]


def test_nobody_has_written_and_somebody_else_has(tmp_path: Path) -> None:
    path = tmp_path / "quotes.json"
    assert live.read(path) is None
    for text in ("", "[]", '{"at": "soon", "pid": 1, "quotes": []}', '{"at": "2026-11-24T10:00:00-05:00"}'):
        path.write_text(text)
        with pytest.raises(ValueError, match=r"quotes\.json is not what the market session writes"):
            live.read(path)


def test_its_age_is_counted_on_the_sessions_clock(tmp_path: Path) -> None:
    at = clock.now() - timedelta(seconds=90)
    path = tmp_path / "quotes.json"
    path.write_text(f'{{"at": "{at.isoformat()}", "pid": 1, "quotes": []}}')
    seen = live.read(path)
    assert seen is not None
    assert 90 <= seen.age < 150
