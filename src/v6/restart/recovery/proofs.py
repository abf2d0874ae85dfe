"""What one quote proves about one restored subscription. Pure.

Market open: a tick of live data. Market closed: the kind of data and a price, its close at least; the live proof is
then owed until the next open, unless TWS sent a live tick anyway (futures trade at night).
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from v6.model import Contract, DataType, MissReason, Quote

HOPELESS = frozenset({MissReason.NO_CONTRACT, MissReason.NO_SUBSCRIPTION})
"""Asking again changes nothing."""


class Proven(StrEnum):
    LIVE = "live"  # a tick of live data
    CLOSED = "closed"  # the kind of data and a price, while its market was closed
    NOT = "not"


@dataclass(frozen=True, slots=True)
class Proof:
    """`words`: the figures, or why not. `worth_asking_again`: another look could prove it."""

    contract: Contract
    proven: Proven
    words: str
    worth_asking_again: bool = False


def judge(quote: Quote, *, market_open: bool) -> Proof:
    """What a quote proves; `market_open`: of the stock exchange, whose hours options keep."""
    prices = {name: value for name in ("bid", "ask", "last", "close") if (value := getattr(quote, name)) is not None}
    figures = ", ".join(f"{name} {value:g}" for name, value in prices.items())
    ticked = bool(prices.keys() - {"close"})
    if quote.data_type is DataType.LIVE and ticked:
        return Proof(quote.contract, Proven.LIVE, f"live, {figures}")
    if not prices or quote.data_type is None:
        why = f"{quote.reason or 'no_tick'}: {quote.detail}" if not prices else f"{figures}, kind of data not said"
        return Proof(quote.contract, Proven.NOT, why, quote.reason not in HOPELESS)
    if not market_open:
        return Proof(quote.contract, Proven.CLOSED, f"{quote.data_type}, {figures}")
    if quote.data_type is DataType.LIVE:
        return Proof(quote.contract, Proven.NOT, f"only {figures} while the market is open", worth_asking_again=True)
    return Proof(quote.contract, Proven.NOT, f"{quote.data_type} data while the market is open, {figures}")


def of_kind(proofs: Iterable[Proof], *kinds: Proven) -> list[Proof]:
    return [proof for proof in proofs if proof.proven in kinds]


def shares(proofs: Sequence[Proof]) -> dict[str, tuple[int, int]]:
    """`SPY OPT` -> (proven, all of them): what hangs on one feed stands or falls together."""
    counts: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for proof in proofs:
        group = counts[f"{proof.contract.symbol} {proof.contract.sec_type}"]
        group[0] += proof.proven is not Proven.NOT
        group[1] += 1
    return {name: (proven, of) for name, (proven, of) in counts.items()}


def short_of(proofs: Sequence[Proof], percent: float) -> list[str]:
    """The groups of which less than `percent` is proven, in words."""
    return [
        f"{name}: {proven} of {of}" for name, (proven, of) in shares(proofs).items() if 100.0 * proven < percent * of
    ]
