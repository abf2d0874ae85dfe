"""Does V6 reach TWS, and how far? For a person, by hand.

Usage: scripts/test_connection.py [--level basic|account|data] [--symbols AAPL SPY]
Needs: TWS. basic: connects as any run does, asks the time, names server version and accounts. account: also the summary
of the accounts, and a disconnect after which no socket is left, counted in the kernel's tables. data: also a quote of
each symbol (stocks; without --symbols `health.check_symbol`): live while the market is open, else frozen or the close.
Writes nothing. A repeat is safe; each is one connection of the budget (`ibkr.connections_per_hour`).
Its last line on stdout is `Result: PASS`, or `Result: FAIL: ` with why and what to do (docs/connection.md).
Exit codes: 0 pass; 1 it may mend itself, or another try may help; 2 a person or a change of settings is needed.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Self

from v6.analysis.findings import Finding, State
from v6.checks import tws
from v6.config.settings import Ibkr
from v6.gateway.diagnose import of_failure
from v6.gateway.errors import ConnectFailed, RequestTimeout, ServerLost
from v6.gateway.port_sockets import PortSocket, port_sockets
from v6.gateway.sockets import CannotLook
from v6.gateway.verdicts import TABLE, Verdict
from v6.model import Contract, DataType, FatalError, Quote, QuoteStatus, V6Error
from v6.runner.context import Argument, Context
from v6.runner.result import Result
from v6.scheduler.nyse_calendar import CalendarError

if TYPE_CHECKING:
    from v6.gateway.client import Gateway

HANDS_ONLY = True
LEVELS = ("basic", "account", "data")
ARGUMENTS = (
    Argument("--level", choices=LEVELS, default="basic", help="how far to go, each includes the ones before it"),
    Argument("--symbols", nargs="+", default=[], metavar="SYMBOL", help="stocks to quote, with --level data"),
)
SAID = {
    True: "the market is open",
    False: "the market is closed: live data cannot be proven now",
    None: "whether the market is open is not known: live data are not proven",
}
LOOKS, LOOK_SECONDS = 20, 0.05  # for the kernel to take down a connection that was ended


class NotProven(V6Error):  # noqa: N818 - it names what happened
    """One step of the test failed: `words` are the verdict, what was seen and the cure."""

    def __init__(self, verdict: Verdict, words: str, exit_code: int) -> None:
        super().__init__(words)
        self.reason = str(verdict)
        self.recoverable = exit_code == 1

    @classmethod
    def of(cls, verdict: Verdict, seen: str) -> Self:
        row = TABLE[verdict]
        return cls(verdict, f"{row.words}: {seen}. What to do: {row.cure}", row.exit_code)


def test_connection(ctx: Context) -> str:
    level = LEVELS.index(ctx.args.level)
    if ctx.args.symbols and level < 2:
        raise FatalError(f"--symbols is wrong with --level {ctx.args.level}, allowed: with --level data")
    symbols = ctx.args.symbols or [ctx.settings.health.check_symbol]
    with _verdicts(ctx):
        with ctx.gateway("checks") as gateway:
            proven = [_basic(ctx, gateway)]
            if level > 0:
                proven.append(_must(tws.account(gateway), Verdict.NO_ACCOUNT))
            if level > 1:
                proven += _data(ctx, gateway, symbols)
            local = gateway.connection.wire.local
        if level > 0 and local is not None:
            proven.append(_nothing_left(ctx, local))
    return "; ".join(proven)


def closing_words(outcome: Result) -> str:
    """What was proven, a line each, and `Result: ...`; all on one line when it failed."""
    if outcome.outcome == "success":
        return "\n".join([*outcome.summary.split("; "), "Result: PASS"])
    return f"Result: FAIL: {' '.join(outcome.summary.split())}"


@contextmanager
def _verdicts(ctx: Context) -> Iterator[None]:
    """A failure of the connection becomes the diagnosis's verdict; TWS is not asked again."""
    try:
        yield
    except ConnectFailed as error:
        found = of_failure(ctx.settings.ibkr, ctx.paths.leases, error)
        for line in found.evidence:
            ctx.log.info("{}", line)
        raise NotProven(found.verdict, found.words, found.exit_code) from error
    except ServerLost as error:
        raise NotProven.of(Verdict.FARMS_DOWN, str(error)) from error
    except RequestTimeout as error:
        raise NotProven.of(Verdict.MUTE_AFTER_HANDSHAKE, str(error)) from error


def _must(finding: Finding, verdict: Verdict) -> str:
    """Its words; raises NotProven unless it is well."""
    if finding.state is not State.OK:
        raise NotProven.of(verdict, finding.evidence)
    return f"{finding.check}: {finding.evidence}"


def _basic(ctx: Context, gateway: "Gateway") -> str:
    answered = _must(tws.round_trip(gateway), Verdict.MUTE_AFTER_HANDSHAKE).removeprefix("gateway: ")
    accounts = ", ".join(gateway.accounts)
    return f"connected to {ctx.settings.ibkr.place} as client {gateway.client_id}: {answered}, accounts {accounts}"


def _data(ctx: Context, gateway: "Gateway", symbols: Sequence[str]) -> Iterator[str]:
    in_session = _in_session(ctx)
    gateway.set_market_data_type(tws.LIVE if in_session else tws.FROZEN)
    stocks = [Contract("STK", symbol.upper(), "SMART") for symbol in symbols]
    quotes = gateway.quotes(stocks, need_greeks=False, deadline_seconds=tws.QUOTE_SECONDS)
    yield SAID[in_session]
    for quote in quotes:
        said = f"{quote.contract.symbol}: {_words(quote)}"
        if not proves(quote, in_session):
            _require_farms(gateway, said)
            raise NotProven.of(Verdict.NO_MARKET_DATA, said)
        yield said


def proves(quote: Quote, in_session: bool | None) -> bool:
    """That market data flow: live ones in the session; outside of it any value will do."""
    return quote.status is not QuoteStatus.MISSING and (not in_session or quote.data_type is DataType.LIVE)


def _require_farms(gateway: "Gateway", said: str) -> None:
    farms = tws.farms(gateway)
    if farms.state is State.FAILED:
        raise NotProven.of(Verdict.FARMS_DOWN, f"{farms.evidence} ({said})")


def _in_session(ctx: Context) -> bool | None:
    """None: there is no calendar yet, as before the first run in a new checkout."""
    try:
        return bool(ctx.calendar.get_market_phase(ctx.now()) == "market_open")
    except CalendarError as error:
        ctx.log.warning("whether the market is open is not known: {}", error)
        return None


def _words(quote: Quote) -> str:
    """`bid 9.8 ask 10.2 last 10, live`, or why there is nothing."""
    if quote.status is QuoteStatus.MISSING:
        return f"{quote.reason} {quote.detail}".strip()
    prices = (("bid", quote.bid), ("ask", quote.ask), ("last", quote.last), ("close", quote.close))
    known = " ".join(f"{name} {price:g}" for name, price in prices if price is not None)
    return f"{known}, {quote.data_type or 'kind of data not said'} data"


def _nothing_left(ctx: Context, local: tuple[str, int]) -> str:
    try:
        for _ in range(LOOKS):
            left, blind = remains(ctx.settings.ibkr, local)
            if not left:
                return "disconnected, no socket left" + (f" on this side ({blind})" if blind else "")
            ctx.sleep(LOOK_SECONDS)
    except CannotLook as why:
        return f"disconnected (whether a socket is left could not be checked: {why})"
    states = ", ".join(f"{row.side} {row.state}" for row in left)
    raise FatalError(f"the connection from {local[0]}:{local[1]} was ended and is not gone: {states}")


def remains(ibkr: Ibkr, local: tuple[str, int]) -> tuple[list[PortSocket], str]:
    """Both ends of the connection that began at `local`, as far as the kernel's tables have them; and why TWS's side is
    not visible. TIME_WAIT is the kernel's own, and harmless. Raises CannotLook."""
    found, ours = port_sockets(ibkr.host, ibkr.port, owners=False), f"{local[0]}:{local[1]}"
    return [row for row in found.rows if ours in (row.local, row.remote) and row.state != "TIME_WAIT"], found.blind
