"""Columns that nobody fills (L13)."""

from datetime import timedelta

import polars as pl
import pytest
from hand_made import DAY, frame, given, of_options, option, options, underlying

from v6.analysis.quality.nulls import constant_column, null_share, shares


def before(*iv_shares: float) -> pl.DataFrame:
    """Shares of null of `iv` on the days before, the latest last."""
    days = [DAY - timedelta(days=len(iv_shares) - n) for n in range(len(iv_shares))]
    table, column = ["option_snapshots"] * len(days), ["iv"] * len(days)
    return pl.DataFrame({"trade_date": days, "table": table, "column": column, "share": iv_shares})


FILLED = {"bid_size": 1.0, "ask_size": 1.0}


def day(without_iv: int, of: int = 100) -> list[dict[str, object]]:
    return [option(600 + n, **FILLED, **({"iv": None} if n < without_iv else {})) for n in range(of)]


@pytest.mark.parametrize(("nulls", "breached"), [(22, False), (23, True)])
def test_l13_a_column_that_is_null_much_more_often_than_before_is_found(nulls: int, breached: bool) -> None:
    said = null_share(of_options(*day(nulls), null_shares=before(0.9, 0.02, 0.02, 0.01, 0.02, 0.03)))

    assert said.breached is breached  # median 2 % + 20 points
    if breached:
        assert said.findings["message"].to_list() == [
            "iv is null in 23.0% of the rows, 2.0% on the median of 6 days before"
        ]


def test_l13_a_column_without_one_value_is_found_on_the_first_day() -> None:
    said = null_share(of_options(*day(100)))

    assert said.findings.select("column", "value", "rows").rows() == [("iv", 1.0, 100)]
    assert said.findings["message"].to_list() == ["iv is null in 100.0% of the rows, fewer than 5 days before"]


def test_l13_a_fault_of_months_does_not_become_the_usual() -> None:
    assert null_share(of_options(*day(100), null_shares=before(*[1.0] * 20))).breached


def test_a_filled_day_after_filled_days_has_no_finding() -> None:
    said = null_share(of_options(*day(1), null_shares=before(*[0.01] * 20)))

    assert (said.checked, said.failed) == (1, 0)


def test_four_days_before_are_too_few_to_compare_with() -> None:
    said = null_share(of_options(*day(50), null_shares=before(*[0.0] * 4)))

    assert said.unable == "fewer than 5 days before to compare with, and no column is wholly null"


def test_days_longer_ago_than_the_setting_do_not_count() -> None:
    old, recent = [0.9] * 30, [0.0] * 20

    assert null_share(of_options(*day(50), null_shares=before(*old, *recent))).breached


def test_a_share_of_seven_thousandths_is_counted_and_a_whole_column_is_exactly_one() -> None:
    from hand_made import options

    counted = shares("option_snapshots", options(*day(12897, 12897))).filter(pl.col("column") == "iv")

    assert counted["share"].to_list() == [1.0]


def test_l13_the_same_open_interest_in_every_row_is_found() -> None:
    said = constant_column(of_options(*(option(600 + n, open_interest=0.0, bid=1.0 + n) for n in range(100))))

    assert "open_interest is 0 in each of 100 rows" in said.findings["message"].to_list()
    assert "bid" not in said.findings["column"].to_list()


def test_a_column_that_varies_or_has_few_values_is_not_called_constant() -> None:
    names = ("last", "volume", "iv", "delta", "gamma", "vega", "theta")
    rows = [option(600 + n, **dict.fromkeys(names, 0.1 + n / 1000)) for n in range(100)]

    assert constant_column(of_options(*rows)).failed == 0
    assert constant_column(of_options(*rows[:99])).unable.startswith("fewer than 100 values")
    assert constant_column(given()).unable == "no rows that day"


def test_no_underlying_beside_the_options_is_found_though_no_slot_and_no_contract_is_missing_for_it() -> None:
    """The ledger counts option contracts only: a table without a row must not pass as one that nobody looked at."""
    had = before(*[0.0] * 6).with_columns(table=pl.lit("underlying_snapshots"), column=pl.lit("bid"))
    quotes = {
        "option_snapshots": options(*day(0)),
        "underlying_snapshots": frame("underlying_snapshots", [underlying()]),
    }

    without, beside, never = (
        null_share(given(tables, null_shares=known))
        for tables, known in (
            ({"option_snapshots": quotes["option_snapshots"]}, had),
            (quotes, had),
            ({"option_snapshots": quotes["option_snapshots"]}, before(*[0.0] * 6)),
        )
    )

    assert without.findings["message"].to_list() == [
        "bid has no value: the table has no row that day, 0.0% on the median of 6 days before"
    ]
    assert (beside.failed, never.failed) == (0, 0)
