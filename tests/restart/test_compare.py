"""What is different after a restart, and what became of each order that is gone."""

from datetime import timedelta
from typing import Any

import pytest

from trading_states import ACCOUNT, AFTER, CALL, ES, SPY, START, execution, order, position, state
from v6.journal.restarts import OrderStep
from v6.restart.records.difference import Became, Difference, RolledBack, compare, rolled_back
from v6.restart.records.order_outcomes import afterwards
from v6.restart.records.trading_state import TradingState


def after(**changes: Any) -> TradingState:
    return state(**{"saved_at": AFTER} | changes)


def step(perm_id: int, outcome: str) -> OrderStep:
    return OrderStep(7, perm_id, 20, perm_id - 490, "BUY 5 SPY", START, outcome, "")


def gone(order_before: Any = None, steps: Any = (), **changes: Any) -> tuple[Became, str]:
    """What became of the only order, which is not open afterwards."""
    before = state(orders=(order_before or order(),))
    [missing] = compare(before, after(orders=(), **changes), steps).missing
    return missing.became, missing.detail


def test_nothing_is_different_when_nothing_has_changed() -> None:
    assert compare(state(), after()) == Difference()
    assert compare(state(), after()).is_empty


# orders that are gone


def test_an_order_that_was_filled_meanwhile_is_told_with_its_price() -> None:
    assert gone(executions=(execution(),)) == (Became.FILLED, "5 at 590")


def test_a_partial_fill_before_and_the_rest_after_is_a_fill() -> None:
    had = order(filled=2.0, remaining=3.0)

    assert gone(had, executions=(execution(quantity=3.0),))[0] is Became.FILLED


def test_fills_that_were_known_before_the_restart_do_not_count_again() -> None:
    half = execution(quantity=2.0)
    before = state(orders=(order(filled=2.0, remaining=3.0),), executions=(half,))

    [missing] = compare(before, after(orders=(), executions=(half,))).missing

    assert missing.became is Became.UNKNOWN


def test_a_corrected_execution_is_the_same_fill() -> None:
    before = state(orders=(order(quantity=4.0, filled=2.0),), executions=(execution(quantity=2.0, exec_id="a.b.01"),))

    [missing] = compare(before, after(orders=(), executions=(execution(quantity=2.0, exec_id="a.b.02"),))).missing

    assert missing.became is Became.UNKNOWN


def test_a_completed_order_that_tws_calls_filled_is_filled() -> None:
    assert gone(completed=(order(status="Filled", client_id=-1, order_id=0),))[0] is Became.FILLED


def test_an_order_that_somebody_else_cancelled_is_cancelled() -> None:
    assert gone(completed=(order(status="Cancelled", client_id=-1, order_id=0),)) == (Became.CANCELLED, "")


def test_an_order_that_was_cancelled_after_a_partial_fill_says_how_much_was_filled() -> None:
    ended = gone(completed=(order(status="Cancelled"),), executions=(execution(quantity=2.0),))

    assert ended == (Became.CANCELLED, "after 2 of 5 were filled")


def test_an_order_whose_cancel_we_saw_confirmed_is_cancelled_by_us() -> None:
    assert gone(steps=[step(501, "cancelled")])[0] is Became.CANCELLED_BY_US


def test_a_cancel_sent_by_a_killed_run_counts_when_tws_shows_its_effect_l35() -> None:
    assert gone(steps=[step(501, "sent")], completed=(order(status="Cancelled"),))[0] is Became.CANCELLED_BY_US


def test_a_cancel_that_came_too_late_is_a_fill() -> None:
    assert gone(steps=[step(501, "filled")])[0] is Became.FILLED
    assert gone(steps=[step(501, "cancelled")], executions=(execution(),))[0] is Became.FILLED


def test_a_sent_cancel_without_any_trace_is_not_taken_for_done_l30() -> None:
    became, words = gone(steps=[step(501, "sent")])

    assert became is Became.UNKNOWN
    assert words == "our cancel is sent, TWS shows no end of it and no fill"


def test_the_row_of_a_closing_says_nothing_about_an_order_that_is_gone() -> None:
    """A closing has no permId, nor has an order that TWS had not numbered."""
    closing = OrderStep(7, 0, 9, 13, "close DU9000001: SELL 100 SPY STK MKT", START, "filled", "100 filled", "close")
    lost = order(0, client_id=20, order_id=13, status="PendingSubmit")

    assert gone(lost, steps=[closing])[0] is Became.UNKNOWN
    assert gone(lost, steps=[closing._replace(client_id=20)])[0] is Became.UNKNOWN


def test_an_order_without_a_perm_id_is_found_by_its_clients_id() -> None:
    mine = OrderStep(7, 0, 20, 13, "BUY 5 SPY", START, "cancelled", "")
    other = mine._replace(order_id=14, outcome="filled")

    assert gone(order(0, order_id=13), steps=[mine, other])[0] is Became.CANCELLED_BY_US


def test_an_order_lost_in_flight_is_listed_as_unexplained() -> None:
    difference = compare(state(orders=(order(0, order_id=13, status="PendingSubmit"),)), after(orders=()))

    [lost] = difference.unexplained
    assert lost.order.order_id == 13
    assert difference.lines()[0].startswith("order is gone, nobody knows why: BUY 5 SPY STK LMT 590 DAY")


def test_an_order_that_tws_ended_in_its_own_way_says_how() -> None:
    assert gone(completed=(order(status="Inactive"),)) == (Became.ENDED, "TWS says Inactive")


def test_an_order_of_another_client_is_found_by_its_perm_id() -> None:
    assert compare(state(), after(orders=(order(502, client_id=30, order_id=99), order(501)))).missing == ()


# new and changed orders


def test_an_order_that_was_not_there_before_is_new() -> None:
    assert compare(state(), after(orders=(*state().orders, order(777)))).new == (order(777),)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"quantity": 3.0}, "quantity 5 -> 3"),
        ({"limit_price": 591.5}, "limit_price 590 -> 591.5"),
        ({"stop_price": 580.0}, "stop_price none -> 580"),
        ({"tif": "GTC"}, "tif DAY -> GTC"),
        ({"filled": 2.0, "remaining": 3.0}, "filled 0 -> 2"),
        ({"status": "PendingCancel"}, "status Submitted -> PendingCancel"),
        ({"oca_group": "a"}, "oca_group none -> a"),
    ],
)
def test_an_order_with_other_terms_is_changed(changes: dict[str, Any], words: str) -> None:
    [changed] = compare(state(orders=(order(),)), after(orders=(order(**changes),))).changed

    assert changed.what == (words,)


def test_an_order_that_waits_for_its_market_is_not_changed() -> None:
    assert compare(state(orders=(order(),)), after(orders=(order(status="PreSubmitted"),))).is_empty


# positions, account, order ids


def test_positions_are_told_with_quantities_before_and_after() -> None:
    now = (position(SPY, 105.0), position(CALL, 1.0))

    changes = compare(state(), after(positions=now)).positions

    assert [(one.contract, one.before, one.after) for one in changes] == [
        (SPY, 100.0, 105.0),
        (ES, -2.0, 0.0),
        (CALL, 0.0, 1.0),
    ]
    assert str(changes[0]) == f"SPY STK in {ACCOUNT}: 100 -> 105"


def test_a_position_is_the_same_in_whatever_exchange_tws_names() -> None:
    renamed = tuple(position(one.contract, one.quantity) for one in state().positions)

    assert compare(state(), after(positions=renamed)).positions == ()


def test_the_quantities_of_decimals_are_compared_as_decimals() -> None:
    difference = compare(state(positions=(position(SPY, 0.3),)), after(positions=(position(SPY, 0.1 + 0.2),)))

    assert difference.positions == ()


def test_account_values_that_matter_are_told() -> None:
    values = {ACCOUNT: {"NetLiquidation": "99000.00", "TotalCashValue": "42000.00", "BuyingPower": "1"}}

    [change] = compare(state(), after(account_values=values)).values

    assert str(change) == f"NetLiquidation of {ACCOUNT}: 100000.25 -> 99000.00"


def test_an_account_that_moves_by_itself_is_no_difference_to_look_at() -> None:
    assert compare(state(), after(account_values={ACCOUNT: {"NetLiquidation": "1", "TotalCashValue": "2"}})).is_empty


def test_values_of_the_account_are_listed_and_not_counted() -> None:
    moved = compare(state(), after(account_values={ACCOUNT: {"NetLiquidation": "1", "TotalCashValue": "2"}}))
    both = compare(state(), after(positions=(), account_values={}))

    assert (moved.count, len(moved.lines())) == (0, 2)
    assert both.count == 2


def test_an_order_id_that_is_given_again_is_a_roll_back() -> None:
    assert rolled_back({20: 38103, 30: 7}, {20: 38099, 30: 8}) == (RolledBack(20, 38103, 38099),)
    assert "begin at 38104" in str(rolled_back({20: 38103}, {20: 38099})[0])


def test_the_very_id_that_was_used_last_is_a_roll_back() -> None:
    assert rolled_back({20: 12}, {20: 12}) == (RolledBack(20, 12, 12),)
    assert rolled_back({20: 12}, {20: 13}) == ()


def test_a_client_that_nobody_has_seen_before_has_nothing_to_roll_back() -> None:
    assert rolled_back({}, {20: 1}) == ()


# what could not be seen (L30)


def test_orders_that_could_not_be_read_are_not_called_missing_l30() -> None:
    difference = compare(state(), after(orders=(), partial=("open orders: no answer within 5 s",)))

    assert difference.missing == ()
    assert difference.unknown == ("open orders: no answer within 5 s (after)",)
    assert not difference.is_empty


def test_orders_are_not_called_new_when_nobody_saw_what_was_there_l30() -> None:
    blind = state(orders=(), partial=("open orders: no answer within 5 s",))

    assert compare(blind, after()).new == ()


@pytest.mark.parametrize("part", ["positions", "account values"])
def test_what_one_reading_did_not_see_has_not_changed_l30(part: str) -> None:
    blind = after(positions=(), account_values={}, partial=("positions: away", "account values: away"))

    difference = compare(state(), blind)

    assert (difference.positions, difference.values) == ((), ())
    assert f"{part}: away (after)" in difference.unknown


def test_the_gravest_comes_first() -> None:
    before = state(orders=(order(501), order(502)))
    now = after(
        orders=(order(900),),
        completed=(order(502, status="Cancelled"),),
        positions=(),
        account_values={},
        next_order_ids={20: 3},
        saved_at=AFTER + timedelta(minutes=1),
    )

    kinds = [line.partition(":")[0] for line in compare(before, now).lines()]

    assert list(dict.fromkeys(kinds)) == [
        "order is gone, nobody knows why",
        "order ids rolled back",
        "position changed",
        "order is gone",
        "new order",
        "account",
    ]


# what became of our cancels


def settled(outcome: str, listed: Any = (), completed: Any = ()) -> tuple[str, str]:
    """The row of order 501 afterwards."""
    done = OrderStep(7, 501, 20, 11, "BUY 5 SPY", START, outcome, "")
    [(_, now, detail)] = afterwards([done], listed, completed) or [(done, outcome, "")]
    return now, detail


@pytest.mark.parametrize("outcome", ["sent", "unconfirmed", "unknown"])
def test_a_cancel_nobody_saw_the_end_of_is_settled_by_what_tws_completed_l35(outcome: str) -> None:
    ended = order(status="Cancelled", client_id=-1, order_id=0)

    assert settled(outcome, completed=[ended]) == ("cancelled", "Cancelled")
    assert settled(outcome, completed=[order(status="Filled", filled=5.0)]) == ("filled", "5 filled")


@pytest.mark.parametrize("outcome", ["sent", "cancelled", "unknown", "filled", "unconfirmed"])
def test_what_tws_lists_as_open_is_not_cancelled(outcome: str) -> None:
    assert settled(outcome, listed=[order()]) == ("unconfirmed", "TWS lists it as Submitted")


@pytest.mark.parametrize("outcome", ["not_sent", "unreachable", "refused"])
def test_an_order_that_was_never_cancelled_by_us_ended_by_itself(outcome: str) -> None:
    assert settled(outcome, completed=[order(status="Cancelled")]) == ("ended", "Cancelled, not by V6")
    assert settled(outcome, listed=[order()]) == (outcome, "")


def test_a_sent_cancel_without_any_trace_stays_unconfirmed_l30() -> None:
    assert settled("sent") == ("sent", "")
    assert settled("sent", completed=None) == ("sent", "")


def test_another_order_with_an_id_that_was_given_again_is_not_taken_for_it() -> None:
    assert settled("cancelled", listed=[order(900, order_id=11)]) == ("cancelled", "")


def test_a_closing_is_no_cancel_to_be_settled() -> None:
    closing = OrderStep(7, 0, 20, 11, "close", START, "sent", "", "close")

    assert afterwards([closing], [order()], []) == []
