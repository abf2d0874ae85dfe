"""Positions as TWS says them against what they must be. Pure: everything known is passed in.

missing           expected, and not there; an option or future on or after its expiry day is explained (`expired`)
unexpected        there, and nothing of it is expected
quantity          both there, quantities differ
average_cost      quantities agree, costs differ by more than the tolerance + commissions of the fills since
corporate_action  suspected: the quantity is the expected one x a ratio of SPLITS (fractions are paid in cash)
                  and the average cost is divided by that ratio, which no trade does; or one position went, and one of
                  the same kind, quantity and cost came under another con_id, or one of the same symbol as a split makes
                  it (after a reverse split a share has a new CUSIP, and with it a new con_id)

One position has one break at most. A stock whose change equals an option that went at the same time is still a break:
an assignment moves money and risk; its message names the option.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date

from v6.analysis.expected_positions import Held, Key, Rules
from v6.model import Contract

SAME = 1e-6
SPLIT_COST = 0.01
"""How far the average cost after a split may be from the cost before over the ratio: cents are rounded."""
FORWARD = (
    2.0,
    3.0,
    4.0,
    5.0,
    6.0,
    7.0,
    8.0,
    10.0,
    12.0,
    15.0,
    20.0,
    25.0,
    30.0,
    40.0,
    50.0,
    100.0,
    1.5,
    4 / 3,
    1.25,
    2.5,
)
SPLITS = (*FORWARD, *(1.0 / ratio for ratio in FORWARD))
ARROW = "->"


@dataclass(frozen=True, slots=True)
class Break:
    """What does not add up. `subject`: con_id, permId, or `old->new` of a con_id that became another."""

    account: str
    outcome: str
    subject: str
    symbol: str
    expected: float | None
    found: float | None
    message: str


@dataclass(frozen=True, slots=True)
class Findings:
    """`explained`: what differs and is no break, in words."""

    breaks: tuple[Break, ...]
    explained: tuple[str, ...] = ()


def name_of(contract: Contract) -> str:
    """`SPY 20261218 690C`; for others than options and futures what TWS calls it."""
    if contract.expiry is None:
        return contract.local_symbol or contract.symbol
    strike = f" {contract.strike:g}{contract.right or ''}" if contract.strike is not None else ""
    return f"{contract.symbol} {contract.expiry:%Y%m%d}{strike}"


def positions(expected: Mapping[Key, Held], found: Mapping[Key, Held], rules: Rules, today: date) -> Findings:
    gone = {key: held for key, held in expected.items() if key not in found}
    expired = {key: held for key, held in gone.items() if held.contract.expiry and held.contract.expiry <= today}
    missing = {key: held for key, held in gone.items() if key not in expired}
    came = {key: held for key, held in found.items() if key not in expected}
    renamed = _renamed(missing, came, rules)
    breaks = [_renaming(old, missing[old], new, came[new]) for old, new in renamed.items()]
    breaks += [_missing(key, held) for key, held in missing.items() if key not in renamed]
    breaks += [_unexpected(key, held) for key, held in came.items() if key not in renamed.values()]
    breaks += [
        one for key in expected.keys() & found.keys() for one in _compared(key, expected[key], found[key], rules)
    ]
    words = [f"{name_of(h.contract)} ({h.quantity:g}) in {key[0]} has expired" for key, h in expired.items()]
    words += [
        f"{name_of(held.contract)} in {key[0]}: TWS does not say its average cost, not compared"
        for key, held in found.items()
        if held.average_cost is None and key in expected
    ]
    stocks = {
        key: held.contract for key, held in (*expected.items(), *found.items()) if held.contract.sec_type == "STK"
    }
    hinted = [_with_hint(one, stocks, gone) for one in breaks]
    return Findings(tuple(sorted(hinted, key=lambda one: (one.account, one.symbol, one.subject))), tuple(words))


def _compared(key: Key, must: Held, is_: Held, rules: Rules) -> Iterable[Break]:
    name = name_of(is_.contract)
    if abs(must.quantity - is_.quantity) > SAME:
        ratio = split_ratio(must, is_)
        if ratio is not None:
            words = (
                f"{name}: {must.quantity:g} at {must.average_cost:g} became {is_.quantity:g} at {is_.average_cost:g}: "
                f"a split of {ratio:g} for 1 is suspected"
            )
            yield _break(key, is_, "corporate_action", must.quantity, is_.quantity, words)
            return
        words = f"{name}: expected {must.quantity:g}, TWS says {is_.quantity:g}"
        yield _break(key, is_, "quantity", must.quantity, is_.quantity, words)
    elif must.average_cost is not None and is_.average_cost is not None:
        limit = rules.cost_tolerance * abs(must.average_cost) + must.allowance / abs(must.quantity)
        if abs(must.average_cost - is_.average_cost) > limit + SAME:
            words = (
                f"{name}: expected an average cost of {must.average_cost:.4f} (+- {limit:.4f}), "
                f"TWS says {is_.average_cost:.4f}"
            )
            yield _break(key, is_, "average_cost", must.average_cost, is_.average_cost, words)


def split_ratio(must: Held, is_: Held) -> float | None:
    """The ratio of SPLITS that explains both quantity and average cost; None without one."""
    if not must.average_cost or not is_.average_cost or must.quantity * is_.quantity <= 0:
        return None
    for ratio in SPLITS:
        in_cash = abs(must.quantity) * ratio - abs(is_.quantity)
        cost = must.average_cost / ratio
        if -SAME <= in_cash < 1 and abs(is_.average_cost - cost) <= SPLIT_COST * abs(cost):
            return ratio
    return None


def _renamed(missing: Mapping[Key, Held], came: Mapping[Key, Held], rules: Rules) -> dict[Key, Key]:
    """Position that went -> position that took its place."""
    pairs: dict[Key, Key] = {}
    for old, before in missing.items():
        for new, now in came.items():
            if new not in pairs.values() and old[0] == new[0] and _alike(before, now, rules):
                pairs[old] = new
                break
    return pairs


def _alike(before: Held, now: Held, rules: Rules) -> bool:
    same_kind = before.contract.sec_type == now.contract.sec_type
    if not same_kind:
        return False
    if abs(before.quantity - now.quantity) > SAME:
        return before.contract.symbol == now.contract.symbol and split_ratio(before, now) is not None
    if before.average_cost is None or now.average_cost is None:
        return before.contract.symbol == now.contract.symbol
    limit = rules.cost_tolerance * abs(before.average_cost) + before.allowance / abs(before.quantity)
    return abs(before.average_cost - now.average_cost) <= limit + SAME


def _renaming(old: Key, before: Held, new: Key, now: Held) -> Break:
    words = f"{name_of(before.contract)} (con_id {old[1]}) went and {name_of(now.contract)} (con_id {new[1]}) came, "
    ratio = None if abs(before.quantity - now.quantity) <= SAME else split_ratio(before, now)
    if ratio is None:
        words += f"quantity {now.quantity:g} and cost the same: a new symbol or an adjusted contract is suspected"
    else:
        words += f"{before.quantity:g} became {now.quantity:g}: a split of {ratio:g} for 1 is suspected"
    found = _break(old, now, "corporate_action", before.quantity, now.quantity, words)
    return replace(found, subject=f"{old[1]}{ARROW}{new[1]}", symbol=before.contract.symbol)


def _missing(key: Key, must: Held) -> Break:
    words = f"{name_of(must.contract)}: expected {must.quantity:g}, TWS has none"
    return _break(key, must, "missing", must.quantity, 0.0, words)


def _unexpected(key: Key, is_: Held) -> Break:
    words = f"{name_of(is_.contract)}: nothing is expected, TWS says {is_.quantity:g}"
    return _break(key, is_, "unexpected", 0.0, is_.quantity, words)


def _break(key: Key, held: Held, outcome: str, expected: float | None, found: float | None, words: str) -> Break:
    return Break(key[0], outcome, str(key[1]), held.contract.symbol, expected, found, words)


def _with_hint(one: Break, stocks: Mapping[Key, Contract], gone: Mapping[Key, Held]) -> Break:
    """The break of a stock, with the option that went and whose exercise or assignment is as large, if there is one."""
    moved = None if one.expected is None or one.found is None else abs(one.found - one.expected)
    if one.outcome not in ("missing", "unexpected", "quantity") or moved is None:
        return one
    if (one.account, int(one.subject)) not in stocks:
        return one
    options = [
        held
        for (account, _), held in gone.items()
        if account == one.account and held.contract.sec_type == "OPT" and held.contract.symbol == one.symbol
    ]
    return replace(one, message=one.message + _assigned(options, moved))


def _assigned(options: Collection[Held], moved: float) -> str:
    options = [held for held in options if held.contract.multiplier]
    fitting = [held for held in options if abs(_shares(held) - moved) <= SAME]
    if not fitting and options and abs(sum(map(_shares, options)) - moved) <= SAME:
        fitting = list(options)
    if not fitting:
        return ""
    names = ", ".join(f"{name_of(held.contract)} ({held.quantity:g})" for held in fitting)
    return f"; as large as an exercise or assignment of {names}, gone at the same time"


def _shares(held: Held) -> float:
    return abs(held.quantity) * (held.contract.multiplier or 0.0)
