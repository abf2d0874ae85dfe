"""08:00 freezes version 1 from the real chain, 09:35 re-centres it, the collectors use what is there."""

import re

import polars as pl
import pytest
from desk import DAY, KILLED, SYMBOLS, Desk

from v6.journal import ledger
from v6.simulator.testing import SimulatedTWS

pytestmark = pytest.mark.integration


def collected(desk: Desk, version: int) -> pl.DataFrame:
    rows = desk.lake.universe(DAY, version)
    return rows.filter(rows["collected"])


def test_l11_version_1_is_frozen_from_the_real_chain_with_con_ids(morning: Desk) -> None:
    rows = morning.lake.universe(DAY, 1)
    chosen = collected(morning, 1)

    assert chosen.height == 24
    assert rows.height > 100
    assert rows["con_id"].is_unique().all()
    assert rows["con_id"].min() > 0
    assert set(chosen["symbol"]) == set(SYMBOLS)
    assert set(rows["trading_class"]) == set(SYMBOLS)
    assert chosen["dte"].min() > 20
    for symbol in SYMBOLS:
        expiries = chosen.filter((chosen["symbol"] == symbol) & ~chosen["held"])["dte"].unique()
        assert len(expiries) >= 3
        assert expiries.max() > 60


def test_l12_open_positions_are_collected_wherever_their_strikes_lie(morning: Desk) -> None:
    held = collected(morning, 1).filter(pl.col("held"))

    assert sorted(held["symbol"]) == ["QQQ", "SPY"]
    assert set(held["reason"]) == {"position"}
    away = (held["strike"] / held["underlying_price"] - 1).abs()
    assert away.max() > 0.03


def test_a_second_run_keeps_what_the_day_already_has(morning: Desk, tws: SimulatedTWS) -> None:
    before, connections = morning.lake.universe(DAY, 1), tws.stats.connections

    ran = morning.run("queue_option_contracts", slot="08:00")

    assert (ran.code, "frozen already, version 1" in ran.words) == (0, True)
    assert morning.lake.universe(DAY, 1).equals(before)
    assert tws.stats.connections == connections


@pytest.mark.parametrize(("time", "kind"), [("08:00", "live"), ("03:00", "frozen")])
def test_before_the_open_the_log_says_what_kind_of_price_was_used(desk: Desk, time: str, kind: str) -> None:
    """At eight a stock trades before the market opens; at three in the night it does not."""
    desk.at(time)

    ran = desk.run("queue_option_contracts", "--dry-run")

    assert ran.code == 0, ran.words
    assert re.search(rf"SPY: \d+\.\d+ \((last|middle|previous close), {kind}\)", ran.words), ran.words
    assert "dry run: 24 of" in ran.words
    assert not desk.lake.exists("option_contracts")


def test_0935_recentres_on_the_opening_price_and_names_what_it_drops(morning: Desk) -> None:
    morning.at("09:35")

    ran = morning.run("schedule_935_et", slot="09:35")

    assert ran.code == 0, ran.words
    assert "(opening bar)" in ran.words
    first, second = set(collected(morning, 1)["con_id"]), set(collected(morning, 2)["con_id"])
    rows = morning.lake.universe(DAY, 2)
    assert set(rows.filter(rows["reason"] == "recentred")["con_id"]) == first - second
    db = morning.journal()
    drops = ledger.drops(db, "collect_option_snapshots", morning.slot("09:35"))
    db.close()
    assert {int(drop.contract) for drop in drops} == first - second
    assert {drop.reason for drop in drops} <= {"recentred"}


def test_killed_after_the_commit_the_next_run_still_names_what_was_dropped(morning: Desk) -> None:
    morning.at("09:35")
    assert morning.run("schedule_935_et", slot="09:35", V6_FAILPOINT="after_commit").code == KILLED

    ran = morning.run("schedule_935_et", slot="09:35")

    assert (ran.code, "frozen already, version 2" in ran.words) == (0, True)
    db = morning.journal()
    drops = ledger.drops(db, "collect_option_snapshots", morning.slot("09:35"))
    db.close()
    gone = set(collected(morning, 1)["con_id"]) - set(collected(morning, 2)["con_id"])
    assert {int(drop.contract) for drop in drops} == gone


def test_without_version_1_the_day_is_saved_at_0935(desk: Desk) -> None:
    desk.at("09:35")

    ran = desk.run("schedule_935_et", slot="09:35")

    assert ran.code == 0, ran.words
    assert "built from the chain: version 1 is missing" in ran.words
    assert collected(desk, 2).height == 24


def test_the_0935_slot_waits_for_version_2(morning: Desk) -> None:
    morning.at("09:35")
    collecting = morning.start("collect_option_snapshots", slot="09:35")
    recentring = morning.start("schedule_935_et", slot="09:35")

    assert recentring.wait().code == 0
    ran = collecting.wait()

    assert ran.code == 0, ran.words
    line = morning.line("09:35")
    assert line is not None
    assert (line.universe_version, line.note, line.complete) == (2, "", 24)
    assert set(morning.rows("09:35")["con_id"]) == set(collected(morning, 2)["con_id"])


def test_the_0930_slot_uses_version_1(morning: Desk) -> None:
    assert morning.collect("09:30").code == 0

    assert set(morning.rows("09:30")["con_id"]) == set(collected(morning, 1)["con_id"])


def test_no_session_is_nothing_to_recentre(desk: Desk) -> None:
    saturday = DAY.replace(day=21)
    desk.at("09:35", saturday)

    ran = desk.run("schedule_935_et", slot="09:35", day=saturday)

    assert (ran.code, "skip: holiday" in ran.words) == (0, True)
