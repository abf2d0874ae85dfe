"""What a slot of the option collector leaves in the lake and in the ledger."""

import polars as pl
import pytest
from desk import KILLED, SYMBOLS, Desk, wait_until

from thinned import thinned
from v6.simulator.testing import SimulatedTWS

pytestmark = pytest.mark.integration

GREEKS = ("iv", "delta", "gamma", "vega", "theta", "underlying_price")


@pytest.mark.core
def test_l14_every_contract_has_one_complete_row_and_no_line_stays_open(morning: Desk, tws: SimulatedTWS) -> None:
    ran = morning.collect("10:00")

    assert ran.code == 0, ran.words
    rows = morning.rows("10:00")
    assert rows.height == rows["con_id"].n_unique() == 24
    assert set(rows["status"]) == {"complete"}
    for column in ("bid", "ask", "bid_size", "ask_size", "open_interest", *GREEKS):
        assert rows[column].null_count() == 0, column
    line = morning.line("10:00")
    assert line is not None
    assert (line.expected, line.complete, line.state, line.universe_version) == (24, 24, "closed", 1)
    wait_until(lambda: tws.stats.clients == 0)
    assert tws.stats.lines == 0  # L14


def test_l26_each_row_is_the_quote_of_its_own_contract_beside_its_underlying(morning: Desk) -> None:
    """Near the money a call's delta is above 0, a put's below, and both models use the underlying's own price."""
    morning.collect("10:00")

    underlyings = morning.rows("10:00", "underlying_snapshots")
    assert set(underlyings["symbol"]) == set(SYMBOLS)
    rows = morning.rows("10:00").join(underlyings.select("symbol", spot="last"), on="symbol")
    assert (rows.filter(pl.col("right") == "C")["delta"] > 0).all()
    assert (rows.filter(pl.col("right") == "P")["delta"] < 0).all()
    assert ((rows["underlying_price"] / rows["spot"] - 1).abs() < 0.01).all()
    intrinsic = (rows["spot"] - rows["strike"]) * pl.Series([1 if r == "C" else -1 for r in rows["right"]])
    assert (rows["ask"] >= intrinsic.clip(lower_bound=0) * 0.97).all()


def test_a_second_run_of_a_slot_changes_nothing(morning: Desk, tws: SimulatedTWS) -> None:
    morning.collect("10:00")
    before, connections = morning.rows("10:00"), tws.stats.connections

    assert morning.collect("10:00").code == 0

    assert morning.rows("10:00").equals(before)
    assert tws.stats.connections == connections


def test_a_retry_collects_only_what_is_not_complete(morning: Desk, tws: SimulatedTWS) -> None:
    tws.set(silent=frozenset({"IWM"}))
    assert morning.collect("10:00").code == 0
    first = morning.rows("10:00")
    assert set(first["symbol"]) == {"SPY", "QQQ"}
    assert {miss.reason for miss in morning.misses("10:00")} == {"no_tick"}
    tws.set(silent=frozenset())
    asked = tws.stats.requests[1]

    assert morning.collect("10:00").code == 0

    rows = morning.rows("10:00")
    assert rows.height == 24
    assert rows.join(first, on="con_id", how="semi").equals(first)
    assert tws.stats.requests[1] - asked == 24 - first.height + 1  # the underlying of the rest
    assert morning.misses("10:00") == []


def test_l13_missing_fields_are_null_and_the_row_says_partial(morning: Desk, tws: SimulatedTWS) -> None:
    tws.set(no_greeks_share=1.0)

    ran = morning.collect("10:00")

    assert (ran.code, "mostly null in this slot: iv 100 %" in ran.words) == (0, True)
    rows = morning.rows("10:00")
    assert set(rows["status"]) == {"partial"}
    assert set(rows["reason"]) == {"no_greeks"}
    for column in GREEKS[:5]:
        assert rows[column].null_count() == 24
    line = morning.line("10:00")
    assert line is not None
    assert (line.complete, line.partial, line.missing) == (0, 24, 0)


@pytest.mark.parametrize("spoiling", ["nan", "minus_one"])
def test_l21_what_tws_fills_in_for_nothing_never_becomes_a_value(
    morning: Desk, tws: SimulatedTWS, spoiling: str
) -> None:
    tws.set(spoiled=frozenset({"QQQ"}), spoiling=spoiling)

    morning.collect("10:00")

    rows = morning.rows("10:00")
    for column in ("bid", "ask", "last", "volume", "open_interest", *GREEKS):
        values = rows[column].drop_nulls()
        assert (values.is_finite() & (values.abs() < 1e6 if column != "open_interest" else values >= 0)).all(), column
    assert ((rows["bid"] > 0) | rows["bid"].is_null()).all()
    assert ((rows["iv"] > 0) | rows["iv"].is_null()).all()
    line = morning.line("10:00")
    assert line is not None
    assert line.complete + line.partial + line.missing == 24


def test_without_a_subscription_nothing_is_complete_and_every_miss_says_so(morning: Desk, tws: SimulatedTWS) -> None:
    tws.set(no_subscription={"*": 354})

    ran = morning.collect("10:00")

    assert ran.code == 1
    assert "nothing collected" in ran.words
    line = morning.line("10:00")
    assert line is not None
    assert (line.complete, line.missing) == (0, 24)
    misses = morning.misses("10:00")
    assert {miss.reason for miss in misses} == {"no_subscription"}
    assert all("354" in miss.detail for miss in misses)
    assert morning.rows("10:00").is_empty()


def test_only_these_symbols(morning: Desk) -> None:
    ran = morning.run("collect_option_snapshots", "--symbols", "SPY", "IWM")

    assert ran.code == 0, ran.words
    assert set(morning.rows("10:00")["symbol"]) == {"SPY", "IWM"}
    assert morning.line("10:00") is None  # the ledger of a slot belongs to its scheduled run


def test_by_hand_a_symbol_outside_the_universe_gets_a_selection_of_its_own(morning: Desk) -> None:
    ran = morning.run("collect_option_snapshots", "--symbols", "AAPL")

    assert ran.code == 0, ran.words
    rows = morning.rows("10:00")
    assert set(rows["symbol"]) == {"AAPL"}
    assert rows.height == 8
    assert "AAPL selected for this run" in ran.words
    assert rows["expiry"].n_unique() >= 3


def test_a_run_by_hand_mends_the_slot_that_a_scheduled_run_left_incomplete(morning: Desk, tws: SimulatedTWS) -> None:
    tws.set(silent=frozenset({"IWM"}))
    morning.collect("10:00")
    tws.set(silent=frozenset())

    assert morning.run("collect_option_snapshots", "--symbols", "IWM").code == 0

    line = morning.line("10:00")
    assert line is not None
    assert (line.expected, line.complete, line.missing) == (24, 24, 0)


def test_a_dry_run_collects_but_writes_nothing(morning: Desk) -> None:
    ran = morning.collect("10:00", "--dry-run")

    assert (ran.code, "dry run, nothing written: 10:00 24 of 24 complete" in ran.words) == (0, True)
    assert morning.rows("10:00").is_empty()
    assert morning.line("10:00") is None


POINTS = [
    "job_started",
    "slot_opened",
    "connected",
    "quotes_collected",
    "before_commit",
    "after_commit",
    "quotes_stored",
    "ledger_closed",
]


@pytest.mark.parametrize("point", thinned(POINTS, ("connected", "before_commit", "after_commit", "ledger_closed")))
def test_l18_killed_anywhere_a_retry_of_the_slot_completes_it_once(morning: Desk, point: str) -> None:
    assert morning.collect("10:00", V6_FAILPOINT=point).code == KILLED

    assert morning.collect("10:00").code == 0

    rows = morning.rows("10:00")
    assert rows.height == rows["con_id"].n_unique() == 24
    line = morning.line("10:00")
    assert line is not None
    assert (line.state, line.complete) == ("closed", 24)


def test_killed_and_not_tried_again_the_next_slot_accounts_for_what_is_lost(morning: Desk) -> None:
    """The underlyings are committed first, so even `after_commit` comes before the options are in the lake."""
    assert morning.collect("10:00", V6_FAILPOINT="after_commit").code == KILLED

    assert morning.collect("10:05").code == 0

    assert morning.rows("10:05").height == 24
    line = morning.line("10:00")
    assert line is not None
    assert (line.state, line.complete, line.missing) == ("closed", 0, 24)
    assert {miss.reason for miss in morning.misses("10:00")} == {"killed"}


def test_a_connection_lost_in_the_middle_is_worth_another_attempt(morning: Desk, tws: SimulatedTWS) -> None:
    tws.set(silent=frozenset({"*"}))
    morning.at("10:00")
    collecting = morning.start("collect_option_snapshots", slot="10:00")
    wait_until(lambda: tws.stats.lines > 0)
    tws.drop_all()

    ran = collecting.wait()

    assert ran.code == 1
    assert {miss.reason for miss in morning.misses("10:00")} == {"disconnected"}
