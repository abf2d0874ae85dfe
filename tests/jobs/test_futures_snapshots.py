"""The futures collector: front months, quotes, changes from bars."""

from datetime import timedelta

import pytest
import yaml
from desk import Desk

from v6.clock import NEW_YORK
from v6.config.settings import Ibkr
from v6.gateway.client import connect
from v6.journal import events
from v6.model import Contract
from v6.paths import Paths
from v6.simulator.testing import SimulatedTWS

pytestmark = pytest.mark.integration

TASK = "collect_futures_snapshots"
CHANGES = ("change_1h", "change_4h", "change_overnight", "change_daily")


def collect(desk: Desk, slot: str) -> None:
    desk.at(slot)
    ran = desk.run(TASK, slot=slot)
    assert ran.code == 0, ran.words


def test_each_symbol_has_one_quote_and_changes_that_follow_the_bars(desk: Desk, tws: SimulatedTWS) -> None:
    collect(desk, "10:00")

    rows = desk.rows("10:00", "futures_snapshots", TASK).sort("symbol")
    assert rows["symbol"].to_list() == ["ES", "NQ", "RTY"]
    assert rows["local_symbol"].to_list() == ["ESZ6", "NQZ6", "RTYZ6"]
    for column in ("bid", "ask", "open_interest", *CHANGES):
        assert rows[column].null_count() == 0, column
    line = desk.line("10:00", TASK)
    assert line is not None
    assert (line.expected, line.complete, line.state) == (3, 3, "closed")
    row = rows.row(0, named=True)
    at = {name: bar_close(desk, tws, row["con_id"], name) for name in ("09:00", "06:00", "09:30")}
    before = bar_close(desk, tws, row["con_id"], "16:00", days_back=1)
    assert row["change_1h"] == pytest.approx(row["last"] / at["09:00"] - 1)
    assert row["change_4h"] == pytest.approx(row["last"] / at["06:00"] - 1)
    assert row["change_overnight"] == pytest.approx(at["09:30"] / before - 1)
    assert row["change_daily"] == pytest.approx(row["last"] / before - 1)


def test_the_front_month_is_decided_once_a_day_and_recorded(desk: Desk, tws: SimulatedTWS) -> None:
    collect(desk, "10:00")
    bars_first = tws.stats.requests[20]
    collect(desk, "10:05")

    db = desk.journal()
    texts = [event.text for event in events.recent(db, "front_month")]
    db.close()
    assert len(texts) == 3
    assert all("by volume" in text for text in texts)
    assert tws.stats.requests[20] - bars_first == 3  # one request for bars per symbol and slot


def test_a_symbol_that_is_not_subscribed_is_missing_with_that_reason(desk: Desk, tws: SimulatedTWS) -> None:
    tws.set(no_subscription={"NQ": 354})

    collect(desk, "10:00")

    assert [(miss.contract, miss.reason) for miss in desk.misses("10:00", TASK)] == [("NQ", "no_subscription")]


def bar_close(desk: Desk, tws: SimulatedTWS, con_id: int, wall: str, days_back: int = 0) -> float:
    """The close of the five-minute bar that ended then, asked of TWS by another client."""

    defaults = yaml.safe_load(Paths.locate().default_config.read_text())["ibkr"]
    ibkr = Ibkr.model_validate(defaults | {"port": tws.port})
    end = desk.slot(wall) - timedelta(days=days_back)
    with connect(ibkr, purpose="checks", leases=desk.home / "leases") as gateway:
        future = Contract("FUT", "ES", "CME", con_id)
        bars = gateway.historical_bars(future, "3 D", "5 mins", "TRADES", use_rth=False)
    start = (end - timedelta(minutes=5)).astimezone(NEW_YORK)
    return next(bar.close for bar in bars if bar.start.timestamp() == start.timestamp())
