"""Prove that everything works again over a fresh connection. Being connected proves nothing: each check asks and waits
(L24), and one that cannot run says so (L30).

The stability check comes first and alone; account, order ids, historical data and market data then run together, each
paced on the same connection.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from v6 import clock
from v6.analysis.findings import Finding, State, could_not_check, failed, of_state, ok
from v6.gateway.error_codes import FARM_CONNECTS, FARM_DOWN
from v6.gateway.errors import GatewayError
from v6.model import Contract, Quote, QuoteStatus
from v6.restart.recovery.proofs import Proof, Proven, judge, of_kind, short_of

if TYPE_CHECKING:
    from v6.gateway.client import Gateway
    from v6.gateway.connection import Log

LIVE, FROZEN = 1, 2
ROUND_TRIP_PAUSE = 1.0
FARM_LOOK_SECONDS = 0.25
AGAIN_SECONDS = (2.0, 5.0, 10.0, 20.0, 30.0)
"""Pauses before subscriptions that are not proven are asked for again; the last one repeats."""
NAMED, REASONS = 3, 4
"""Contracts named for each reason, and reasons named, in one finding; the report lists all."""


@dataclass(frozen=True, slots=True)
class Demands:
    """What must be proven. `check_symbol`: a liquid stock that is always among the proofs. `percent`: of each symbol's
    contracts; single ones that never tick are listed, not a failure. `seconds`: for the proofs, re-asking included."""

    check_symbol: str
    round_trips: int
    percent: float
    market_open: bool
    seconds: float

    @property
    def check_contract(self) -> Contract:
        return Contract("STK", self.check_symbol, "SMART")


@dataclass(frozen=True, slots=True)
class Validation:
    """`proofs` of every subscription; `first_tick_seconds` from the beginning of the checks to the first data."""

    findings: tuple[Finding, ...]
    proofs: tuple[Proof, ...] = ()
    first_tick_seconds: float | None = None

    @property
    def passed(self) -> bool:
        """Something was checked and nothing failed; what could not be checked is `unproven`."""
        return bool(self.findings) and not of_state(self.findings, State.FAILED)

    @property
    def unproven(self) -> list[Finding]:
        return of_state(self.findings, State.COULD_NOT_CHECK)

    @property
    def owed(self) -> tuple[Contract, ...]:
        """What has not shown a live tick yet because its market was closed."""
        return tuple(proof.contract for proof in of_kind(self.proofs, Proven.CLOSED))


class PostRestartValidator:
    """Checks over one open gateway; `proofs` grow as they come."""

    def __init__(self, gateway: "Gateway", demands: Demands, log: "Log") -> None:
        self._gateway = gateway
        self._demands = demands
        self._log = log
        self._begun = clock.monotonic()
        self._until = self._begun + demands.seconds
        self.proofs: dict[Contract, Proof] = {}
        self.first_tick_seconds: float | None = None

    async def stable(self) -> Finding:
        """Round trips a second apart: a TWS that has only just started may still fall over."""
        slowest = 0.0
        for number in range(self._demands.round_trips):
            if number:
                await asyncio.sleep(ROUND_TRIP_PAUSE)
            started = clock.monotonic()
            try:
                await self._gateway.current_time_async()
            except GatewayError as error:
                return failed("connection", f"round trip {number + 1} of {self._demands.round_trips}: {error}")
            slowest = max(slowest, clock.monotonic() - started)
        return ok("connection", f"{self._demands.round_trips} round trips, the slowest {slowest * 1000:.0f} ms")

    async def farms(self) -> Finding:
        """Waits while a data farm is down or connects, within the time for the proofs: what is asked of it before may
        stay unanswered [IBKR's documents]."""
        while (bad := self._farms_not_up()) and clock.monotonic() < self._until:
            await asyncio.sleep(FARM_LOOK_SECONDS)
        if bad:
            return failed("data farms", f"not up: {', '.join(bad)}")
        farms = self._gateway.farms
        if not farms:
            return could_not_check("data farms", "TWS has said nothing about them")
        return ok("data farms", f"{len(farms)} up or idle")

    async def account(self, expected: Iterable[str] = ()) -> Finding:
        """Every account has its values, and the accounts of before are there: a login may be another one."""
        here = set(self._gateway.accounts)
        if lacking := sorted(set(expected) - here):
            return failed("account", f"{len(lacking)} of the accounts of before are not there: another login?")
        summary = await self._gateway.account_summary_async()
        silent = [name for name in sorted(here) if not summary.get(name)]
        if silent or not here:
            return failed("account", f"{len(silent)} of {len(here)} accounts have no values")
        return ok("account", f"{len(here)} with values")

    async def historical(self) -> Finding:
        """A few bars of the check symbol."""
        bars = await self._gateway.historical_bars_async(
            self._demands.check_contract, "2 D", "1 hour", "TRADES", use_rth=True
        )
        if not bars:
            return failed("historical data", f"TWS has no bars of {self._demands.check_symbol}")
        return ok(
            "historical data", f"{len(bars)} bars of {self._demands.check_symbol} to {bars[-1].start:%m-%d %H:%M}"
        )

    async def market_data(self, subscriptions: Sequence[Contract]) -> Finding:
        """Proof for every subscription, and for the check symbol; those without are asked again while time is left and
        too much is missing, otherwise once more."""
        wanted = list(dict.fromkeys((self._demands.check_contract, *subscriptions)))
        await self._gateway.set_market_data_type_async(LIVE if self._demands.market_open else FROZEN)
        pauses = iter(AGAIN_SECONDS)
        pause = AGAIN_SECONDS[0]
        await self._prove(wanted, first_tick=True)
        while again := [contract for contract in wanted if self.proofs[contract].worth_asking_again]:
            enough = not short_of(self._proofs(wanted), self._demands.percent)
            if clock.monotonic() + pause >= self._until or not self._gateway.connected:
                break
            await asyncio.sleep(0 if enough else pause)
            self._log.info(f"{len(again)} of {len(wanted)} subscriptions are not proven yet, asking again")
            await self._prove(again, first_tick=False)
            if enough:
                break
            pause = next(pauses, AGAIN_SECONDS[-1])
        return market_data_finding(self._proofs(wanted), self._demands)

    async def checks(self, subscriptions: Sequence[Contract], *, accounts: Iterable[str] = ()) -> Validation:
        """Everything but the stability check, which comes first."""
        up = asyncio.ensure_future(self.farms())
        findings = await asyncio.gather(
            up,
            _guarded("account", self.account(accounts)),
            _guarded("historical data", self._after(up, self.historical)),
            _guarded("market data", self._after(up, lambda: self.market_data(subscriptions))),
        )
        return Validation(tuple(findings), tuple(self.proofs.values()), self.first_tick_seconds)

    async def validate(self, subscriptions: Sequence[Contract], *, accounts: Iterable[str] = ()) -> Validation:
        """All of it; after a connection that is not stable nothing else is asked."""
        steady = await self.stable()
        if steady.state is State.FAILED:
            return Validation((steady,))
        rest = await self.checks(subscriptions, accounts=accounts)
        return replace(rest, findings=(steady, *rest.findings))

    async def _after(self, first: "asyncio.Future[Finding]", check: Callable[[], Awaitable[Finding]]) -> Finding:
        await asyncio.wait({first})
        return await check()

    async def _prove(self, contracts: Sequence[Contract], *, first_tick: bool) -> None:
        seconds = max(self._until - clock.monotonic(), 1.0)
        quotes = await self._gateway.quotes_async(
            contracts, need_greeks=False, deadline_seconds=seconds, first_tick=first_tick
        )
        for contract, quote in zip(contracts, quotes, strict=True):
            self.proofs[contract] = replace(judge(quote, market_open=self._demands.market_open), contract=contract)
        if self.first_tick_seconds is None:
            self.first_tick_seconds = self._first_tick(quotes)

    def _first_tick(self, quotes: Sequence[Quote]) -> float | None:
        """Seconds from the beginning of the checks; a quote knows when its last field came."""
        now = clock.utc_now().timestamp()
        ages = [now - quote.received_at.timestamp() for quote in quotes if quote.status is not QuoteStatus.MISSING]
        return max(clock.monotonic() - self._begun - max(ages), 0.0) if ages else None

    def _proofs(self, wanted: Sequence[Contract]) -> list[Proof]:
        return [self.proofs[contract] for contract in wanted]

    def _farms_not_up(self) -> list[str]:
        return sorted(name for name, code in self._gateway.farms.items() if code in FARM_DOWN or code == FARM_CONNECTS)


async def _guarded(name: str, check: Awaitable[Finding]) -> Finding:
    """A question that TWS refuses or leaves open is what this is about: it has failed."""
    try:
        return await check
    except GatewayError as error:
        return failed(name, str(error))


def market_data_finding(proofs: Sequence[Proof], demands: Demands) -> Finding:
    live, closed = len(of_kind(proofs, Proven.LIVE)), len(of_kind(proofs, Proven.CLOSED))
    lacking = of_kind(proofs, Proven.NOT)
    words = f"{live + closed} of {len(proofs)} proven"
    if closed:
        words += f" ({live} live; {closed} by their close, the live proof follows at the open)"
    if lacking:
        words += f"; not: {_named(lacking)}"
    short = short_of(proofs, demands.percent)
    return failed("market data", f"{'; '.join(short)}; {words}") if short else ok("market data", words)


def _named(lacking: Sequence[Proof]) -> str:
    """By reason, the most frequent first: a feed that is dead is one fact, not 258."""
    by_reason: dict[str, list[Proof]] = {}
    for proof in lacking:
        by_reason.setdefault(proof.words, []).append(proof)
    groups = sorted(by_reason.items(), key=lambda group: -len(group[1]))
    named = [
        f"{', '.join(str(proof.contract) for proof in proofs[:NAMED])}"
        f"{f' and {len(proofs) - NAMED} more' if len(proofs) > NAMED else ''}: {reason}"
        for reason, proofs in groups[:REASONS]
    ]
    rest = sum(len(proofs) for _, proofs in groups[REASONS:])
    return "; ".join([*named, f"and {rest} more"] if rest else named)
