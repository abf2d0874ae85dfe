"""Rows outside the session, twice, and tables of another shape."""

from datetime import timedelta

import pytest
from hand_made import CLOSE, OPEN, bar, bars, frame, given, of_options, option, options, slot, underlying

from v6.analysis.quality.rows import duplicates, outside_session, schema_drift

MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(
    ("at", "outside"),
    [(OPEN - 5 * MINUTE, 1), (OPEN, 0), (CLOSE - 5 * MINUTE, 0), (CLOSE, 1), (CLOSE + 55 * MINUTE, 1)],
)
def test_l06_a_slot_before_the_open_or_from_the_close_on_is_outside(at: object, outside: int) -> None:
    assert outside_session(of_options(option(slot=at))).failed == outside


def test_l06_the_last_slots_of_a_full_day_are_outside_on_an_early_close() -> None:
    early = (OPEN, OPEN.replace(hour=13, minute=0))

    said = outside_session(of_options(*(option(slot=slot(n)) for n in range(78)), session=early))

    assert (said.checked, said.failed) == (78, 36)
    assert said.findings["message"][0] == "1 quotes of SPY outside the session"


def test_closing_marks_are_asked_for_after_the_close_and_are_no_finding() -> None:
    after = frame("closing_marks", [{"slot": CLOSE + 15 * MINUTE, "symbol": "SPY", "con_id": 1}])

    assert outside_session(given({"closing_marks": after})).checked == 0


def test_bars_of_regular_hours_end_at_the_close_and_others_may_go_on() -> None:
    late = bar(CLOSE + 30 * MINUTE)
    rows = bars(bar(OPEN), bar(CLOSE - 5 * MINUTE), late, late | {"regular": False})

    said = outside_session(given({"bars": rows}))

    assert (said.checked, said.failed, said.findings["message"].to_list()) == (
        3,
        1,
        ["1 bars of SPY outside the session"],
    )


def test_on_a_day_without_a_session_every_row_is_outside() -> None:
    assert outside_session(of_options(option(), session=None)).failed == 1


def test_one_contract_twice_in_a_slot_is_found_also_from_two_tasks() -> None:
    twice = [option(), option(task="by_hand"), option(task="third"), option(691), option(slot=slot(1))]

    said = duplicates(of_options(*twice))

    assert (said.checked, said.failed) == (5, 2)
    assert said.findings["message"].to_list() == ["SPY 2026-12-18 690C: 3 rows of one slot and con_id"]


def test_bars_are_doubled_only_when_size_kind_and_hours_are_the_same_too() -> None:
    rows = [bar(OPEN), bar(OPEN), bar(OPEN, bar_size="1 min"), bar(OPEN, regular=False), bar(OPEN, con_id=2)]

    assert duplicates(given({"bars": bars(*rows)})).failed == 1


def test_different_rows_are_no_duplicates() -> None:
    tables = {
        "option_snapshots": options(option(), option(691)),
        "underlying_snapshots": frame("underlying_snapshots", [underlying()]),
    }

    assert (duplicates(given(tables)).checked, duplicates(given(tables)).failed) == (3, 0)


def test_l19_a_stored_table_of_another_shape_is_found_and_others_are_counted() -> None:
    said = schema_drift(given(drift={"bars": "", "option_snapshots": "right: stored as None, must be string"}))

    assert (said.checked, said.failed, said.breached) == (2, 1, True)
    assert said.findings.select("table", "message").rows() == [
        ("option_snapshots", "right: stored as None, must be string")
    ]
    assert schema_drift(given(drift={"bars": ""})).failed == 0
    assert schema_drift(given()).unable == "no table is stored"


def test_l06_quotes_of_the_weekend_before_are_found_by_the_sessions_run() -> None:
    """No run judges a closed day itself: Monday's finds what a collector stored on Saturday."""
    saturday = options(option(slot=slot() - timedelta(days=2)), option(691, slot=slot() - timedelta(days=2)))

    said = outside_session(of_options(option(), closed_rows={"option_snapshots": saturday}))

    assert (said.checked, said.failed, said.breached) == (3, 2, True)
    assert said.findings.select("slot", "rows").rows() == [(slot() - timedelta(days=2), 2)]
