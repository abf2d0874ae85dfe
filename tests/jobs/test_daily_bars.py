"""The final daily bars of the evening, on a connection of the caller."""

import argparse
import os
from datetime import date

import pytest
from desk import Desk

from v6 import clock
from v6.collection.daily_bars import store_final_daily_bars
from v6.config.load import load
from v6.paths import Paths
from v6.runner.context import Context
from v6.runner.logs import open_log
from v6.simulator.testing import SimulatedTWS

pytestmark = pytest.mark.integration

EARLY = date(2026, 11, 27)


def evening(desk: Desk) -> Context:
    paths = Paths.locate()
    return Context(
        task="final_data_collection",
        slot=None,
        args=argparse.Namespace(),
        config=load(paths, os.environ),
        paths=paths,
        log=open_log("final_data_collection", [desk.home / "day.log"], to_terminal=False),
        deadline=clock.monotonic() + 60,
    )


def test_the_evening_stores_the_day_s_bars_as_final_and_a_repeat_asks_nothing(desk: Desk, tws: SimulatedTWS) -> None:
    desk.at("13:15", EARLY)
    ctx = evening(desk)
    with ctx.gateway("checks") as gateway:
        words = store_final_daily_bars(ctx, gateway, ["SPY", "VIX", "NOSUCH"])
        asked = tws.stats.requests[20]
        again = store_final_daily_bars(ctx, gateway, ["SPY", "VIX"])

    assert words == "2 final daily bars, none of NOSUCH"
    assert again == "0 final daily bars, 2 were there"
    assert tws.stats.requests[20] == asked
    rows = desk.lake.read("bars").sort("symbol").to_dicts()
    assert [(row["symbol"], row["trade_date"], row["final"], row["regular"]) for row in rows] == [
        ("SPY", EARLY, True, True),
        ("VIX", EARLY, True, True),
    ]
    assert rows[0]["volume"] > 0
    assert rows[1]["volume"] is None


def test_before_the_close_the_last_session_is_the_one_before_l20(desk: Desk, tws: SimulatedTWS) -> None:
    desk.at("12:59", EARLY)
    ctx = evening(desk)
    with ctx.gateway("checks") as gateway:
        store_final_daily_bars(ctx, gateway, ["SPY"])
    assert desk.lake.read("bars")["trade_date"].to_list() == [date(2026, 11, 25)]
