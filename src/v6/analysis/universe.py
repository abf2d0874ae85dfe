"""Which option contracts a day queues and which of them it collects every slot. Pure: no TWS, no lake, no time.

Queued: every real contract with more than `min_dte` (and at most `max_dte`) calendar days to expiry whose strike lies
within `strike_band` of the underlying's price. Open positions are queued whatever their strike, expiry or symbol.

Collected, at most `max_contracts`, in this order:
1. `position`: open positions, always, even when they alone exceed the quota.
2. `coverage`: for each symbol in turn the pair nearest the money of `min_expiries` of its expiries, the one beyond
   `far_expiry_dte` first (term structure).
3. `wing`: of each symbol's two expiries around 30 days the put nearest to each of the `wings` below the price and the
   call above it, where 25 deltas are looked for (skew); of the expiry beyond `far_expiry_dte` the same at every second
   of them, so that its forward, which lies above the price, stays between its strikes when the price moves. At most a
   quarter of the places, symbols taking turns.
4. `nearest`: the remaining places go to the pairs nearest the money of all symbols and their expiries together.

A symbol's expiries are its `max_expiries` nearest ones, the last place kept for its first expiry beyond
`far_expiry_dte`: the quota spread over all seventeen or so would leave one strike of each.

The distance from the money is |strike / price - 1|: relative, so that a 690 dollar and a 260 dollar underlying compete
on equal terms, and not scaled by volatility or time, which nobody knows for certain before the open. A pair is call and
put of one strike: both rights of a strike are collected or neither (but wings, positions, holes in the chain).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, time
from enum import StrEnum
from itertools import zip_longest

from v6.config.settings import Universe as Rules
from v6.model import Contract

RECENTRED_AT = time(9, 35)
"""New York time from which a slot uses version 2."""

QUEUED, RECENTRED = 1, 2
"""Universe versions: chosen at 08:00, re-centred on the opening price."""


SKEW_DAYS = 30
"""Calendar days to expiry around which the wings are collected."""

WING_SHARE = 0.25
"""Of the places, at most."""

ROUNDING = 1e-9
"""221 / 260 - 1 is a little more than 15 % in binary floating point."""


class Reason(StrEnum):
    """Why a queued contract is collected, or not."""

    POSITION = "position"
    COVERAGE = "coverage"
    WING = "wing"
    NEAREST = "nearest"
    BEYOND_QUOTA = "beyond_quota"


@dataclass(frozen=True, slots=True)
class Choice:
    """One queued contract. `rank` counts from 1 in the order of choice; `distance` is None without a price."""

    contract: Contract
    rank: int
    reason: Reason
    dte: int
    distance: float | None

    @property
    def collected(self) -> bool:
        return self.reason is not Reason.BEYOND_QUOTA


@dataclass(frozen=True, slots=True)
class Selection:
    """A day's universe: choices by rank, and what the chain or the quota did not allow, in words."""

    choices: tuple[Choice, ...]
    shortfalls: tuple[str, ...]

    @property
    def collected(self) -> tuple[Contract, ...]:
        return tuple(choice.contract for choice in self.choices if choice.collected)


@dataclass(frozen=True, slots=True)
class _Pair:
    """The contracts of one symbol, expiry and strike: call and put, or one of them."""

    distance: float
    symbol: str
    expiry: date
    strike: float
    contracts: tuple[Contract, ...]

    @property
    def order(self) -> tuple[float, date, str, float]:
        return (self.distance, self.expiry, self.symbol, self.strike)


def worth_asking(expiries: Iterable[date], on: date, rules: Rules) -> list[date]:
    """The expiries whose contract details are requested: one wide request each, so never more than the rules need."""
    return sorted(expiry for expiry in set(expiries) if rules.min_dte < (expiry - on).days <= rules.max_dte)


def select(
    prices: Mapping[str, float], candidates: Iterable[Contract], positions: Iterable[Contract], on: date, rules: Rules
) -> Selection:
    """Choose the universe of the day `on` from the real chain.

    `prices` by symbol; `candidates` with con_ids; `positions` are option contracts held, whatever their symbol.
    """
    held = {c.con_id: c for c in positions if c.expiry is not None and c.expiry >= on}
    in_band = {c.con_id: c for c in candidates if _queued(c, prices, on, rules)}
    pairs = sorted(_pairs(in_band.values(), prices), key=lambda pair: pair.order)
    expiries = {symbol: _expiries(pairs, symbol, rules, on) for symbol in sorted({pair.symbol for pair in pairs})}
    wanted_pairs = [pair for pair in pairs if pair.expiry in expiries[pair.symbol]]
    coverage = _coverage(wanted_pairs, expiries, rules)
    shortfalls = _shortfalls(expiries, rules, on)

    taken: dict[int, Reason] = dict.fromkeys(sorted(held), Reason.POSITION)
    stages = (
        (Reason.COVERAGE, [pair.contracts for pair in coverage]),
        (Reason.WING, _wings(wanted_pairs, expiries, prices, on, rules)),
        (Reason.NEAREST, [pair.contracts for pair in wanted_pairs]),
    )
    for reason, wanted in stages:
        places = min(rules.max_contracts, len(taken) + int(WING_SHARE * rules.max_contracts))
        most = places if reason is Reason.WING else rules.max_contracts
        for together in wanted:
            new = [contract.con_id for contract in together if contract.con_id not in taken]
            if len(taken) + len(new) <= most:
                taken.update(dict.fromkeys(new, reason))
            elif reason is Reason.COVERAGE:
                shortfalls.append(f"{together[0].symbol}: no place left for the expiry {together[0].expiry}")
    if len(held) > rules.max_contracts:
        shortfalls.append(f"{len(held)} open positions exceed the quota of {rules.max_contracts}")

    rest = [contract.con_id for pair in pairs for contract in pair.contracts if contract.con_id not in taken]
    taken.update(dict.fromkeys(rest, Reason.BEYOND_QUOTA))
    contracts = held | in_band
    ranked = enumerate(taken.items(), 1)
    choices = tuple(_choice(contracts[con_id], rank, reason, prices, on) for rank, (con_id, reason) in ranked)
    return Selection(choices, tuple(shortfalls))


def dropped(before: Iterable[Contract], after: Iterable[Contract]) -> list[Contract]:
    """Contracts that one version collected and the next no longer does."""
    kept = {contract.con_id for contract in after}
    return [contract for contract in before if contract.con_id not in kept]


def distance(contract: Contract, prices: Mapping[str, float]) -> float | None:
    """|strike / price - 1|, None when the underlying's price is unknown."""
    price = prices.get(contract.symbol)
    return None if not price or contract.strike is None else abs(contract.strike / price - 1)


def _queued(contract: Contract, prices: Mapping[str, float], on: date, rules: Rules) -> bool:
    away = distance(contract, prices)
    if contract.con_id <= 0 or contract.expiry is None or contract.right is None or away is None:
        return False
    return rules.min_dte < (contract.expiry - on).days <= rules.max_dte and away <= rules.strike_band + ROUNDING


def _pairs(contracts: Iterable[Contract], prices: Mapping[str, float]) -> list[_Pair]:
    by_strike: dict[tuple[str, date, float], dict[int, Contract]] = {}
    for contract in contracts:
        assert contract.expiry is not None
        assert contract.strike is not None
        by_strike.setdefault((contract.symbol, contract.expiry, contract.strike), {})[contract.con_id] = contract
    return [
        _Pair(abs(strike / prices[symbol] - 1), symbol, expiry, strike, tuple(both[i] for i in sorted(both)))
        for (symbol, expiry, strike), both in by_strike.items()
    ]


def _expiries(pairs: Iterable[_Pair], symbol: str, rules: Rules, on: date) -> list[date]:
    """The expiries of a symbol that are collected, the one beyond `far_expiry_dte` first."""
    listed = sorted({pair.expiry for pair in pairs if pair.symbol == symbol})
    far = [expiry for expiry in listed if (expiry - on).days > rules.far_expiry_dte][:1]
    return far + [expiry for expiry in listed if expiry not in far][: rules.max_expiries - len(far)]


def _coverage(pairs: Sequence[_Pair], expiries: Mapping[str, list[date]], rules: Rules) -> list[_Pair]:
    """The pair nearest the money of every symbol's first expiries, symbols taking turns; best with both rights."""
    nearest: dict[tuple[str, date], _Pair] = {}
    for pair in sorted(pairs, key=lambda pair: (len(pair.contracts) < 2, pair.order)):
        nearest.setdefault((pair.symbol, pair.expiry), pair)
    turns = [[nearest[symbol, expiry] for expiry in own[: rules.min_expiries]] for symbol, own in expiries.items()]
    return [pair for turn in zip_longest(*turns) for pair in turn if pair is not None]


def _wings(
    pairs: Sequence[_Pair], expiries: Mapping[str, list[date]], prices: Mapping[str, float], on: date, rules: Rules
) -> list[tuple[Contract, ...]]:
    """What is collected together, the nearest to the money first, symbols taking turns."""
    listed: dict[tuple[str, date], list[_Pair]] = {}
    for pair in pairs:
        listed.setdefault((pair.symbol, pair.expiry), []).append(pair)
    found = []
    for place, away in enumerate(sorted(away for away in rules.wings if away <= rules.strike_band)):
        for symbol, own in expiries.items():
            around, far = _around_skew(own, on), [each for each in own if (each - on).days > rules.far_expiry_dte]
            both = around + [each for each in far if place % 2 == 0 and each not in around]
            for side, right in ((-away, "P"), (away, "C")):
                aim = prices[symbol] * (1 + side)
                for expiry in both:
                    one = [pair for pair in listed[symbol, expiry] if any(c.right == right for c in pair.contracts)]
                    found += [tuple(c for c in pair.contracts if c.right == right) for pair in _nearest_to(aim, one)]
    return found


def _around_skew(expiries: Sequence[date], on: date) -> list[date]:
    """The last expiry within SKEW_DAYS and the first beyond."""
    before = [expiry for expiry in sorted(expiries) if (expiry - on).days <= SKEW_DAYS]
    after = [expiry for expiry in sorted(expiries) if (expiry - on).days > SKEW_DAYS]
    return before[-1:] + after[:1]


def _nearest_to(aim: float, pairs: Sequence[_Pair]) -> list[_Pair]:
    """The pair whose strike is nearest, the lower of two; none of none."""
    return sorted(pairs, key=lambda pair: (abs(pair.strike - aim), pair.strike))[:1]


def _shortfalls(expiries: Mapping[str, list[date]], rules: Rules, on: date) -> list[str]:
    """What the chain cannot give."""
    found = []
    for symbol, own in expiries.items():
        if not any((expiry - on).days > rules.far_expiry_dte for expiry in own):
            found.append(f"{symbol}: no expiry beyond {rules.far_expiry_dte} days")
        if len(own) < rules.min_expiries:
            found.append(f"{symbol}: only {len(own)} of {rules.min_expiries} expiries exist")
    return found


def _choice(contract: Contract, rank: int, reason: Reason, prices: Mapping[str, float], on: date) -> Choice:
    assert contract.expiry is not None
    return Choice(contract, rank, reason, (contract.expiry - on).days, distance(contract, prices))
