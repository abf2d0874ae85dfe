"""The jobs that load bars, against the simulated TWS: 2026-11-20 is a Friday, the day before has two early closes ahead."""

from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest
from desk import DAY, KILLED, Desk, wait_until

from v6.clock import NEW_YORK
from v6.journal import bars_unavailable, events
from v6.simulator.testing import SimulatedTWS

pytestmark = pytest.mark.integration

ENHANCED, HISTORICAL = "load_enhanced_market_data", "load_historical_data"


def bars(desk: Desk) -> pl.DataFrame:
    return desk.lake.read("bars")


def test_a_morning_has_the_watchlist_the_night_of_the_futures_and_volatilities(desk: Desk, tws: SimulatedTWS) -> None:
    desk.at("08:30")
    ran = desk.run(ENHANCED, slot="08:30")
    assert ran.code == 0, ran.words
    print(ran.words)
    assert False
