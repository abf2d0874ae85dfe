"""load_historical_data where TWS is away or the calendar was never compiled. No processes."""

from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest

import surface_rows
from statistics_desk import DAY, StatisticsDesk, weekdays
from v6.gateway.errors import ConnectCause, ConnectFailed
from v6.jobs.load_enhanced_market_data import load_enhanced_market_data
from v6.jobs.load_historical_data import load_historical_data
from v6.model import RecoverableError
from v6.runner.context import Context
from v6.scheduler.nyse_calendar import CalendarError

FUTURES = "# v6 calendar 1 by hand covers 2026-01-01 2027-12-31 futures\n"


@pytest.fixture
def office(home: Path, monkeypatch: pytest.MonkeyPatch) -> StatisticsDesk:
    """TWS is away."""

    def away(*_: object) -> None:
        raise ConnectFailed(ConnectCause.REFUSED, "127.0.0.1:7497")

    monkeypatch.setattr(Context, "gateway", away)
    compiled = home / "var" / "compiled"
    compiled.mkdir(parents=True)
    (compiled / "futures_calendar.txt").write_text(FUTURES)
    return StatisticsDesk(home, monkeypatch)


def dry(office: StatisticsDesk, *symbols: str) -> Context:
    ctx = office.context("load_historical_data", dry_run=True, ask_again="")
    ctx.args.symbols = list(symbols)
    return ctx


def test_without_tws_the_gaps_of_stored_symbols_are_listed_and_the_others_named(office: StatisticsDesk) -> None:
    bars = surface_rows.daily_bars(("SPY",), weekdays(DAY - timedelta(days=1), 10))
    office.lake.unite("bars", bars)
    stored = bars["trade_date"].n_unique()

    words = load_historical_data(dry(office, "SPY", "CEG", "ES"))

    con_id = bars["con_id"][0]
    assert bars.filter(pl.col("con_id") == con_id).height == stored == 10
    assert f"SPY 1 day: {301 - 1 - stored}" in words  # daily_sessions: 300, of which ten are stored
    assert "TWS is away, it would have to name CEG (no bars stored yet), ES (a future, only TWS lists its" in words


def test_without_tws_and_without_bars_a_dry_run_says_what_it_needs(office: StatisticsDesk) -> None:
    with pytest.raises(RecoverableError, match=r"127\.0\.0\.1:7497.*without TWS only gaps of symbols that have bars"):
        load_historical_data(dry(office, "SPY"))


@pytest.mark.parametrize("job", [load_historical_data, load_enhanced_market_data])
def test_a_calendar_that_was_never_compiled_is_told_before_tws_is_asked(office: StatisticsDesk, job: object) -> None:
    (office.home / "var" / "compiled" / "futures_calendar.txt").unlink()
    with pytest.raises(CalendarError, match=r"`\.venv/bin/python -m v6\.scheduler\.compile` writes it"):
        job(dry(office, "SPY", "ES"))  # type: ignore[operator]
    ctx = dry(office, "SPY")
    del ctx.__dict__["calendar"]
    with pytest.raises(CalendarError, match=r"`\.venv/bin/python -m v6\.scheduler\.compile` writes it"):
        job(ctx)  # type: ignore[operator]
