"""What became of the contracts that one slot expected. Pure.

Contracts are named by a key: the con_id of an option, the symbol of a future (its month may be unknown when TWS is
away). For every slot complete + partial + missing = expected; what is not complete has its reason.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from v6.model import DataType, MissReason, Quote, QuoteStatus

FROZEN = (DataType.FROZEN, DataType.DELAYED_FROZEN)


@dataclass(frozen=True, slots=True)
class Standing:
    """How a contract of a slot stands: in the lake, in the ledger or after an attempt."""

    status: QuoteStatus
    reason: MissReason | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Shortfall:
    """One expected contract of a slot that is not complete."""

    key: str
    symbol: str
    status: QuoteStatus
    reason: MissReason
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Account:
    """What became of a slot's expected contracts."""

    expected: int
    complete: int
    shortfalls: tuple[Shortfall, ...]

    @property
    def partial(self) -> int:
        return sum(shortfall.status is QuoteStatus.PARTIAL for shortfall in self.shortfalls)

    @property
    def missing(self) -> int:
        return sum(shortfall.status is QuoteStatus.MISSING for shortfall in self.shortfalls)

    def words(self) -> str:
        """One line: `250 of 258 complete, 3 partial (no_greeks 3), 5 missing (no_tick 5)`."""
        text = f"{self.complete} of {self.expected} complete"
        for status in (QuoteStatus.PARTIAL, QuoteStatus.MISSING):
            reasons = Counter(str(s.reason) for s in self.shortfalls if s.status is status)
            if reasons:
                listed = ", ".join(f"{reason} {count}" for reason, count in reasons.most_common())
                text += f", {reasons.total()} {status} ({listed})"
        return text


def account(
    expected: Mapping[str, str],
    stored: Mapping[str, Standing],
    attempted: Mapping[str, Standing],
    otherwise: Standing,
) -> Account:
    """Account for every expected contract (key -> symbol).

    `stored` is what the lake holds for the slot and decides what is complete or partial. `attempted` is what the last
    attempt (or the ledger) says, and `otherwise` is said of a contract that neither knows.
    """
    shortfalls: list[Shortfall] = []
    for key, symbol in expected.items():
        held, tried = stored.get(key), attempted.get(key, otherwise)
        if held is not None and held.status is QuoteStatus.COMPLETE:
            continue
        status = QuoteStatus.MISSING if held is None else held.status
        reason = (held.reason if held else None) or tried.reason or otherwise.reason or MissReason.NOT_RUN
        shortfalls.append(Shortfall(key, symbol, status, reason, tried.detail))
    return Account(len(expected), len(expected) - len(shortfalls), tuple(shortfalls))


def not_yet_complete(expected: Iterable[str], stored: Mapping[str, Standing]) -> set[str]:
    """What another attempt at the same slot still has to collect."""
    return {key for key in expected if key not in stored or stored[key].status is not QuoteStatus.COMPLETE}


def refuse_late(quotes: Iterable[Quote], limit: datetime) -> list[Quote]:
    """The quotes, those that arrived after the slot's limit turned into misses: they are not that slot's market."""
    return [_missed(quote, limit) if quote.received_at > limit else quote for quote in quotes]


def mark_stale(quotes: Iterable[Quote]) -> list[Quote]:
    """The quotes, frozen ones turned into partial ones: they are the last market there was, not the slot's."""
    return [
        replace(quote, status=QuoteStatus.PARTIAL, reason=MissReason.STALE, detail=f"TWS says {quote.data_type}")
        if quote.status is not QuoteStatus.MISSING and quote.data_type in FROZEN
        else quote
        for quote in quotes
    ]


def _missed(quote: Quote, limit: datetime) -> Quote:
    if quote.status is QuoteStatus.MISSING:
        return quote
    detail = f"arrived {(quote.received_at - limit).total_seconds():.1f} s after the slot's limit"
    return Quote(quote.contract, QuoteStatus.MISSING, quote.received_at, MissReason.DEADLINE, detail)
