"""What one look at the session's connection amounts to. Pure: what was seen comes in, findings go out.

A finding has FAILED only where a new connection can help. What is away on IBKR's side (1100, a data farm that is down,
no subscription, a halt) is said and not counted; what cannot be known now is neither good nor failed (L24, L30).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from v6.gateway.error_codes import FARM_CONNECTS, FARM_DOWN
from v6.gateway.watching import Streamed

IBKR, FARMS = "IBKR", "farms"
QUOTE_FARM_DOWN = 2103
FAILURES_ALLOWED = 3
"""So many looks in a row that failed, and the connection is begun anew."""


class Judged(StrEnum):
    GOOD = "good"
    FAILED = "failed"
    AWAY = "away"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Finding:
    check: str
    judged: Judged
    words: str


@dataclass(frozen=True, slots=True)
class Seen:
    """`answered_in`: seconds of the round trip, None without an answer, and then `no_answer` says why. `away`: that TWS
    has lost IBKR, in words, else empty. `counts_for`: seconds for which quotes could have come without a break: the
    connection and the market open, the farms up, IBKR there."""

    answered_in: float | None
    market_open: bool
    no_answer: str = ""
    away: str = ""
    farms: Mapping[str, int] = field(default_factory=dict)
    streams: Sequence[Streamed] = ()
    counts_for: float = 0.0


@dataclass(frozen=True, slots=True)
class Health:
    findings: tuple[Finding, ...]

    @property
    def failed(self) -> bool:
        return any(finding.judged is Judged.FAILED for finding in self.findings)

    @property
    def proven(self) -> bool:
        """Nothing has failed and nothing is left open: quotes came, or none can come."""
        return not any(finding.judged in (Judged.FAILED, Judged.UNKNOWN) for finding in self.findings)

    @property
    def away(self) -> str:
        """What is away behind a TWS that answers: IBKR, data farms. Empty: nothing that TWS has told us of."""
        sides = [one.words for one in self.findings if one.judged is Judged.AWAY and one.check in (IBKR, FARMS)]
        return "; ".join(sides)

    @property
    def words(self) -> str:
        """One line, what matters most first."""
        order = list(Judged).index
        worst = sorted(self.findings, key=lambda finding: (finding.judged is Judged.GOOD, order(finding.judged)))
        return "; ".join(finding.words for finding in worst if finding.words)


def judge(seen: Seen, quote_age_seconds: float) -> Health:
    return Health((_answer(seen), _ibkr(seen), _farms(seen.farms), _quotes(seen, quote_age_seconds)))


def quotes_can_come(seen: Seen) -> bool:
    """Whether a watched quote that stays away is the connection's doing."""
    return seen.market_open and not seen.away and not _quote_farms_away(seen.farms)


def _answer(seen: Seen) -> Finding:
    if seen.answered_in is None:
        return Finding("ping", Judged.FAILED, seen.no_answer)
    return Finding("ping", Judged.GOOD, f"answered in {seen.answered_in * 1000:.0f} ms")


def _ibkr(seen: Seen) -> Finding:
    return Finding(IBKR, Judged.AWAY if seen.away else Judged.GOOD, seen.away)


def _farms(farms: Mapping[str, int]) -> Finding:
    if down := sorted(name for name, code in farms.items() if code in FARM_DOWN):
        return Finding(FARMS, Judged.AWAY, f"data farms down: {', '.join(down)}")
    if connecting := sorted(name for name, code in farms.items() if code == FARM_CONNECTS):
        return Finding(FARMS, Judged.AWAY, f"data farms connecting: {', '.join(connecting)}")
    return Finding(FARMS, Judged.GOOD, "" if farms else "TWS has said nothing about its data farms")


def _quote_farms_away(farms: Mapping[str, int]) -> bool:
    """Which farm serves which contract TWS does not say."""
    return any(code in (QUOTE_FARM_DOWN, FARM_CONNECTS) for code in farms.values())


def _quotes(seen: Seen, limit: float) -> Finding:
    if not seen.market_open:
        return Finding("quotes", Judged.GOOD, "the market is closed")
    if not quotes_can_come(seen):
        return Finding("quotes", Judged.AWAY, "")
    ages = {stream.contract.symbol: stream.heard_ago for stream in seen.streams}
    if fresh := {symbol: age for symbol, age in ages.items() if age is not None and age <= limit}:
        symbol = min(fresh, key=fresh.__getitem__)
        return Finding("quotes", Judged.GOOD, f"{symbol} {fresh[symbol]:.1f} s ago")
    if excused := _excused(seen.streams):
        return Finding("quotes", Judged.AWAY, excused)
    if seen.counts_for <= limit:
        return Finding("quotes", Judged.UNKNOWN, f"nothing of {', '.join(ages)} yet")
    return Finding("quotes", Judged.FAILED, f"no quote of {', '.join(ages)} for {limit:g} s, the market is open")


def _excused(streams: Sequence[Streamed]) -> str:
    """Why none of the watched contracts can have a quote; empty when one could."""
    reasons = [stream.refused or ("halted" if stream.halted else "") for stream in streams]
    if not streams or not all(reasons):
        return ""
    return "; ".join(f"{stream.contract.symbol} {reason}" for stream, reason in zip(streams, reasons, strict=True))
