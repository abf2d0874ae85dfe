"""What positions and orders must be, against what TWS says: every difference named once, and no false alarm."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from v6.analysis import reconcile, reconcile_orders
from v6.analysis.expected_positions import Heard, Held, Key, Rules, after, expected, since
from v6.analysis.reconcile_orders import OrderFacts, order_key
from v6.model import Contract, Execution, OpenOrder

CHECK = datetime(2026, 11, 20, 15, 35, tzinfo=UTC)
LATER = CHECK + timedelta(hours=1)
TODAY = date(2026, 11, 20)
RULES = Rules(cost_tolerance=0.001, per_contract=3.0, per_share=0.01)
EXACT = Rules(cost_tolerance=0.001, per_contract=0.0, per_share=0.0)
SPY = Contract("STK", "SPY", "SMART", 1, local_symbol="SPY")
CALL = Contract("OPT", "SPY", "SMART", 2, multiplier=100.0, expiry=date(2026, 12, 18), strike=690.0, right="C")
ES = Contract("FUT", "ES", "CME", 3, local_symbol="ESZ6", multiplier=50.0, expiry=date(2026, 12, 18))
CONTRACTS = {contract.con_id: contract for contract in (SPY, CALL, ES)}


def fill(
    side: str, quantity: float, price: float, contract: Contract = SPY, number: int = 1, version: int = 1, perm: int = 7
) -> Execution:
    at = CHECK + timedelta(minutes=number)
    exec_id = f"0001.{number:04d}.{version:02d}"
    return Execution(exec_id, perm, 5, 101, "DU1", contract, side, quantity, price, at)


def held_after(base: Held | None, *fills: Execution) -> Held | None:
    return after(base, since([Heard(each, LATER) for each in fills], CHECK), EXACT)


def breaks(
    must: dict[Key, Held], is_: dict[Key, Held], rules: Rules = RULES, today: date = TODAY
) -> list[tuple[str, str]]:
    return [(one.outcome, one.subject) for one in reconcile.positions(must, is_, rules, today).breaks]


def book(*held: Held, account: str = "DU1") -> dict[Key, Held]:
    return {(account, one.contract.con_id): one for one in held}


# what executions make of a position


def test_buying_more_weighs_the_price_into_the_average_cost() -> None:
    held = held_after(Held(SPY, 100.0, 600.0), fill("BOT", 50.0, 660.0))

    assert held == Held(SPY, 150.0, 620.0)  # (100 x 600 + 50 x 660) / 150


def test_selling_a_part_leaves_the_average_cost() -> None:
    assert held_after(Held(SPY, 100.0, 600.0), fill("SLD", 40.0, 700.0)) == Held(SPY, 60.0, 600.0)


def test_going_through_zero_begins_anew_at_the_fill_with_the_multiplier() -> None:
    held = held_after(Held(CALL, 2.0, 1250.0), fill("SLD", 5.0, 9.0, CALL))

    assert held == Held(CALL, -3.0, 900.0)


def test_a_short_position_grows_at_the_weighted_price() -> None:
    assert held_after(Held(CALL, -3.0, 900.0), fill("SLD", 1.0, 5.0, CALL)) == Held(CALL, -4.0, 800.0)


def test_closed_and_bought_again_has_the_cost_of_the_second_time() -> None:
    held = held_after(Held(SPY, 10.0, 600.0), fill("SLD", 10.0, 650.0), fill("BOT", 4.0, 500.0, number=2))

    assert held == Held(SPY, 4.0, 500.0)


def test_a_fill_heard_of_before_the_check_is_not_counted_again() -> None:
    heard = [Heard(fill("BOT", 5.0, 600.0), CHECK), Heard(fill("BOT", 2.0, 600.0, number=2), LATER)]

    held = expected(book(Held(SPY, 5.0, 600.0)), {}, CHECK, heard, EXACT)

    assert (held["DU1", 1].quantity, held["DU1", 1].average_cost) == (7.0, 600.0)


def test_a_late_correction_replaces_the_fill_it_corrects() -> None:
    heard = [Heard(fill("BOT", 5.0, 600.0), CHECK), Heard(fill("BOT", 3.0, 600.0, version=2), LATER)]

    held = expected(book(Held(SPY, 5.0, 600.0)), {}, CHECK, heard, EXACT)

    assert (held["DU1", 1].quantity, held["DU1", 1].average_cost) == (3.0, None)


def test_the_fill_of_a_combination_is_held_by_its_legs_only() -> None:
    combination = Contract("BAG", "SPY", "SMART", 99)  # type: ignore[arg-type]

    assert expected({}, {}, CHECK, [Heard(fill("BOT", 1.0, 2.0, combination), LATER)], EXACT) == {}


def test_a_contract_of_unknown_size_has_no_cost_that_could_be_compared_l21() -> None:
    unknown = replace(CALL, multiplier=None)

    held = held_after(None, fill("BOT", 2.0, 5.0, unknown))

    assert held == Held(unknown, 2.0, None)
    assert held_after(Held(unknown, 1.0, 500.0), fill("BOT", 1.0, 5.0, unknown)) == Held(unknown, 2.0, None)


# breaks of positions

MUST = book(Held(SPY, 100.0, 600.0), Held(CALL, -2.0, 1250.0))


@pytest.mark.parametrize(
    ("is_", "found"),
    [
        (MUST, []),
        (book(Held(CALL, -2.0, 1250.0)), [("missing", "1")]),
        (MUST | book(Held(ES, 1.0, 325_000.0)), [("unexpected", "3")]),
        (MUST | book(Held(SPY, 99.0, 600.0)), [("quantity", "1")]),
        (MUST | book(Held(SPY, -100.0, 600.0)), [("quantity", "1")]),
        (MUST | book(Held(SPY, 100.0, 600.5)), []),
        (MUST | book(Held(SPY, 100.0, 601.0)), [("average_cost", "1")]),
        (MUST | book(Held(SPY, 200.0, 300.0)), [("corporate_action", "1")]),
        (MUST | book(Held(SPY, 200.0, 600.0)), [("quantity", "1")]),
        (MUST | book(Held(SPY, 10.0, 6000.0)), [("corporate_action", "1")]),
        (MUST | book(Held(SPY, 33.0, 1800.0)), [("corporate_action", "1")]),
        (MUST | book(Held(SPY, 250.0, 240.0)), [("corporate_action", "1")]),
        (MUST | book(Held(SPY, 170.0, 352.94)), [("quantity", "1")]),
    ],
    ids=["as expected", "gone", "from nowhere", "one less", "the other side", "rounding", "dearer", "2 for 1",
         "doubled at its cost", "1 for 10", "1 for 3, a third paid in cash", "5 for 2", "no ratio of a split"],
)  # fmt: skip
def test_every_difference_has_one_name(is_: dict[Key, Held], found: list[tuple[str, str]]) -> None:
    assert breaks(MUST, is_) == found


def test_the_same_position_under_another_con_id_is_one_suspected_corporate_action() -> None:
    renamed = replace(SPY, con_id=77, symbol="SPYX", local_symbol="SPYX")

    found = reconcile.positions(MUST, book(Held(renamed, 100.0, 600.0), Held(CALL, -2.0, 1250.0)), RULES, TODAY)

    assert [(one.outcome, one.subject) for one in found.breaks] == [("corporate_action", "1->77")]
    assert "SPYX" in found.breaks[0].message


def test_a_reverse_split_that_gives_the_share_a_new_con_id_is_one_suspected_corporate_action() -> None:
    after_it = replace(SPY, con_id=78)

    found = reconcile.positions(MUST, book(Held(after_it, 10.0, 6000.0), Held(CALL, -2.0, 1250.0)), RULES, TODAY)

    assert [(one.outcome, one.subject) for one in found.breaks] == [("corporate_action", "1->78")]
    assert "100 became 10: a split of 0.1 for 1 is suspected" in found.breaks[0].message


def test_an_option_that_vanishes_on_its_expiry_day_has_expired() -> None:
    found = reconcile.positions(MUST, book(Held(SPY, 100.0, 600.0)), RULES, date(2026, 12, 18))

    assert found.breaks == ()
    assert found.explained == ("SPY 20261218 690C (-2) in DU1 has expired",)


def test_an_option_that_vanishes_before_its_expiry_is_missing() -> None:
    assert breaks(MUST, book(Held(SPY, 100.0, 600.0)), today=date(2026, 12, 17)) == [("missing", "2")]


def test_shares_called_away_are_a_break_that_names_the_assigned_option() -> None:
    must = book(Held(SPY, 300.0, 600.0), Held(CALL, -2.0, 1250.0))

    found = reconcile.positions(must, book(Held(SPY, 100.0, 600.0)), RULES, date(2026, 12, 18))

    assert [one.outcome for one in found.breaks] == ["quantity"]
    assert "exercise or assignment of SPY 20261218 690C (-2)" in found.breaks[0].message


def test_an_option_of_unknown_size_is_not_taken_for_an_assignment_l21() -> None:
    must = book(Held(SPY, 300.0, 600.0), Held(replace(CALL, multiplier=None), -2.0, 1250.0))

    found = reconcile.positions(must, book(Held(SPY, 100.0, 600.0)), RULES, date(2026, 12, 18))

    assert [(one.outcome, "assignment" in one.message) for one in found.breaks] == [("quantity", False)]


def test_commissions_of_cheap_options_are_no_break_but_money_is() -> None:
    """0.05 x 100 = 5 a contract; IBKR's 0.65 and fees are an eighth of that, far beyond the tolerance alone."""
    must = expected({}, {}, CHECK, [Heard(fill("BOT", 10.0, 0.05, CALL), LATER)], RULES)

    assert breaks(must, book(Held(CALL, 10.0, 5.70))) == []
    assert breaks(must, book(Held(CALL, 10.0, 9.00))) == [("average_cost", "2")]


def test_two_accounts_are_two_books() -> None:
    must = MUST | book(Held(SPY, 5.0, 600.0), account="DU2")

    found = reconcile.positions(must, MUST | book(Held(SPY, 6.0, 600.0), account="DU2"), RULES, TODAY)

    assert [(one.account, one.outcome) for one in found.breaks] == [("DU2", "quantity")]


# breaks of orders

ORDER = OpenOrder(7, 5, 101, "DU1", SPY, "BUY", "LMT", 10.0, "GTC", "Submitted", 4.0, 6.0, 600.0)


def of_orders(
    now: Sequence[OpenOrder],
    *,
    before: Sequence[OpenOrder] = (ORDER,),
    fills: Sequence[Execution] = (),
    completed: Sequence[int] = (),
    seen: Sequence[str] = (),
    day: date = TODAY,
) -> list[str]:
    facts = OrderFacts(
        {order_key(order): (order, day) for order in before},
        {order_key(order): order for order in now},
        {"7": fills} if fills else {},
        completed,
        {*seen, *map(order_key, before)},
        TODAY,
    )
    return [one.outcome for one in reconcile_orders.orders(facts).breaks]


def test_an_order_that_vanishes_without_a_word_is_a_break() -> None:
    assert of_orders([]) == ["order_missing"]
    assert of_orders([], fills=[fill("BOT", 5.0, 600.0)]) == ["order_missing"]


def test_an_order_that_was_filled_cancelled_or_ran_out_is_none() -> None:
    day_order = replace(ORDER, tif="DAY")
    assert of_orders([], fills=[fill("BOT", 6.0, 600.0)]) == []
    assert of_orders([], completed=[7]) == []
    assert of_orders([], before=[day_order], day=TODAY - timedelta(days=1)) == []
    assert of_orders([], before=[day_order]) == ["order_missing"]


def test_new_and_amended_orders_do_not_cry_wolf() -> None:
    new = replace(ORDER, perm_id=8, order_id=102)
    amended = replace(ORDER, limit_price=601.0, quantity=12.0)

    assert of_orders([amended, new]) == []


def test_an_order_that_was_over_and_is_open_again_is_a_break_l35() -> None:
    assert of_orders([replace(ORDER, perm_id=8)], before=[], seen=["8"]) == ["order_unexpected"]


def test_an_order_that_got_its_perm_id_since_is_the_same_order() -> None:
    assert of_orders([ORDER], before=[replace(ORDER, perm_id=0)]) == []


@pytest.mark.parametrize(
    "now",
    [
        replace(ORDER, action="SELL"),
        replace(ORDER, contract=CALL),
        replace(ORDER, account="DU2"),
        replace(ORDER, filled=6.0),
    ],
    ids=["side", "contract", "account", "fills without executions"],
)
def test_what_of_an_order_cannot_change_is_a_break(now: OpenOrder) -> None:
    assert of_orders([now]) == ["order_changed"]


def test_fills_with_their_executions_are_none() -> None:
    assert of_orders([replace(ORDER, filled=6.0)], fills=[fill("BOT", 2.0, 600.0)]) == []


# against a book kept by hand


@dataclass
class HandBook:
    """An account that counts every share by itself: what each unit that is held was bought (or sold short) at, where
    closing takes the same part of each."""

    units: dict[int, list[float]] = field(default_factory=dict)

    def trade(self, con_id: int, change: int, price: float) -> None:
        held = self.units.setdefault(con_id, [])
        side = 1 if change > 0 else -1
        for _ in range(abs(change)):
            if held and (held[0] > 0) != (side > 0):
                mean = sum(held) / len(held)
                held[:] = [mean] * (len(held) - 1)
            else:
                held.append(side * price)

    def positions(self) -> dict[Key, Held]:
        found = {}
        for con_id, units in self.units.items():
            if units:
                contract = CONTRACTS[con_id]
                cost = abs(sum(units)) / len(units) * (contract.multiplier or 1.0)
                found["DU1", con_id] = Held(contract, len(units) * (1.0 if units[0] > 0 else -1.0), cost)
        return found


TRADES = st.lists(
    st.tuples(st.sampled_from(sorted(CONTRACTS)), st.integers(-9, 9).filter(bool), st.integers(1, 90_000)), max_size=14
)


def replayed(trades: Sequence[tuple[int, int, int]], start: int) -> tuple[dict[Key, Held], dict[Key, Held]]:
    """What must be after the trades, of which the first `start` were there at the last check; and the hand's book."""
    hand, base = HandBook(), {}
    heard = []
    for number, (con_id, change, cents) in enumerate(trades):
        if number == start:
            base = hand.positions()
        hand.trade(con_id, change, cents / 100)
        if number >= start:
            side = "BOT" if change > 0 else "SLD"
            heard.append(Heard(fill(side, abs(change), cents / 100, CONTRACTS[con_id], number), LATER))
    if start >= len(trades):
        base = hand.positions()
    return expected(base, {}, CHECK, heard, EXACT), hand.positions()


@settings(max_examples=150, deadline=None)
@given(TRADES, st.integers(0, 14))
def test_no_sequence_of_fills_is_ever_a_break(trades: list[tuple[int, int, int]], start: int) -> None:
    must, is_ = replayed(trades, start)

    assert breaks(must, is_, EXACT) == []


@settings(max_examples=150, deadline=None)
@given(TRADES.filter(bool), st.integers(0, 14), st.integers(0, 10**6))
def test_one_tampering_is_exactly_one_break(trades: list[tuple[int, int, int]], start: int, seed: int) -> None:
    must, is_ = replayed(trades, start)
    random = Random(seed)
    stranger = replace(SPY, con_id=500, symbol="GME", local_symbol="GME")
    if not is_ or random.random() < 0.2:
        tampered, outcome = is_ | book(Held(stranger, 3.0, 20.0)), {"unexpected"}
    else:
        key = random.choice(sorted(is_))
        held = is_[key]
        tampered, outcome = random.choice(
            [
                ({other: each for other, each in is_.items() if other != key}, {"missing"}),
                (is_ | {key: replace(held, quantity=-held.quantity)}, {"quantity"}),
                (is_ | {key: replace(held, quantity=held.quantity + random.choice((-0.5, 0.5)))}, {"quantity"}),
                (is_ | {key: replace(held, average_cost=(held.average_cost or 0.0) * 1.002)}, {"average_cost"}),
                (
                    is_ | {key: Held(held.contract, held.quantity * 4, (held.average_cost or 0.0) / 4)},
                    {"corporate_action"},
                ),
            ]
        )

    found = breaks(must, tampered, EXACT)

    assert len(found) == 1
    assert found[0][0] in outcome
