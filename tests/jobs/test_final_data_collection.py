"""The end of a day: closing quotes with marks and open interest, the day's bars, and no slot without its ledger row."""

from collections import Counter
from contextlib import closing

import polars as pl
import pytest
from desk import DAY, Desk

from v6.journal import ledger
from v6.simulator.testing import SimulatedTWS

pytestmark = pytest.mark.integration

JOB = "final_data_collection"


def day_of_slots(desk: Desk, task: str) -> dict[str, ledger.Slot]:
    with closing(desk.journal()) as db:
        lines = ledger.slots_of(db, task, desk.slot("00:00"), desk.slot("23:59"))
    return {f"{line.slot.astimezone(desk.slot('10:00').tzinfo):%H:%M}": line for line in lines}


def reasons(desk: Desk, wall: str, task: str = "collect_option_snapshots") -> Counter[str]:
    return Counter(miss.reason for miss in desk.misses(wall, task))


def test_the_close_is_stored_once_and_every_slot_of_the_day_is_accounted_for_l10(
    morning: Desk, tws: SimulatedTWS
) -> None:
    assert morning.collect("10:00").code == 0
    tws.set(silent=frozenset({"IWM"}))
    morning.at("16:15")

    first = morning.run(JOB, slot="16:15")

    assert first.code == 0, first.words
    tws.set(silent=frozenset())
    morning.at("16:40")
    second = morning.run(JOB, "--date", str(DAY))  # by hand, of the same slot: what was missing
    assert second.code == 0, second.words
    rows = morning.rows("16:15", "closing_marks", JOB)
    held = morning.lake.universe(DAY).filter(pl.col("collected") | pl.col("held"))
    assert set(rows["con_id"]) == set(held["con_id"])
    assert rows["open_interest"].null_count() == 0
    assert rows["received_at"].max() < morning.slot("16:45")  # type: ignore[operator]
    assert rows.filter(symbol="IWM")["received_at"].min() > morning.slot("16:39")  # type: ignore[operator]
    assert rows.filter(pl.col("symbol") != "IWM")["received_at"].max() < morning.slot("16:30")  # type: ignore[operator]
    middle = rows.filter(mark_source="mid")
    assert middle.height > rows.height / 2
    assert ((middle["bid"] + middle["ask"]) / 2 - middle["mark"]).abs().max() < 1e-9  # type: ignore[operator]
    bars = morning.lake.read("bars", trade_date=DAY, bar_size="1 day")
    assert {"SPY", "QQQ", "IWM", "VIX"} <= set(bars.filter(final=True)["symbol"])

    options = day_of_slots(morning, "collect_option_snapshots")
    slots = [f"{minute // 60:02d}:{minute % 60:02d}" for minute in range(10 * 60, 16 * 60, 5)]
    assert list(options) == slots  # V6 began at 10:00
    assert {line.state for line in options.values()} == {"closed"}
    assert options["10:00"].complete == 24
    assert all((line.expected, line.missing) == (24, 24) for wall, line in options.items() if wall != "10:00")
    assert set(reasons(morning, "13:00")) == {"host_down"}
    assert list(day_of_slots(morning, "collect_futures_snapshots")) == slots
    assert reasons(morning, "13:00", "collect_futures_snapshots").total() == 3


def test_l13_without_open_interest_the_row_is_partial_and_says_so(
    morning: Desk, tws: SimulatedTWS, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("v6.simulator.lines.Line._interest", lambda *_: None)
    morning.at("16:15")
    dry = morning.run(JOB, "--dry-run", slot="16:15")
    assert (dry.code, morning.rows("16:15", "closing_marks", JOB).height) == (0, 0), dry.words

    ran = morning.run(JOB, slot="16:15")

    assert ran.code == 0, ran.words
    rows = morning.rows("16:15", "closing_marks", JOB)
    assert set(rows["reason"]) == {"no_open_interest"}
    assert set(rows["status"]) == {"partial"}
    assert (rows["open_interest"].null_count(), rows["mark"].null_count()) == (rows.height, 0)
    assert reasons(morning, "16:15", JOB) == {"no_open_interest": rows.height}
