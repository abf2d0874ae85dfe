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
from typing import TYPE_CHECKING

from v6.checks import tws
from v6.checks.proof import require, verdicts
from v6.config.settings import Ibkr
from v6.gateway.port_sockets import PortSocket, port_sockets
from v6.gateway.sockets import CannotLook
from v6.gateway.verdicts import Verdict
from v6.model import FatalError
from v6.runner.context import Argument, Context
from v6.runner.result import Result

if TYPE_CHECKING:
    from v6.gateway.client import Gateway

HANDS_ONLY = True
LEVELS = ("basic", "account", "data")
ARGUMENTS = (
    Argument("--level", choices=LEVELS, default="basic", help="how far to go, each includes the ones before it"),
    Argument("--symbols", nargs="+", default=[], metavar="SYMBOL", help="stocks to quote, with --level data"),
)
LOOKS, LOOK_SECONDS = 20, 0.05  # for the kernel to take down a connection that was ended


def test_connection(ctx: Context) -> str:
    level = LEVELS.index(ctx.args.level)
    if ctx.args.symbols and level < 2:
        raise FatalError(f"--symbols is wrong with --level {ctx.args.level}, allowed: with --level data")
    symbols = ctx.args.symbols or [ctx.settings.health.check_symbol]
    with verdicts(ctx):
        gateway = ctx.gateway("checks")
        gateway.until = None  # a person waits no longer than a question's time limit for a TWS that has lost IBKR
        with gateway:
            proven = [_basic(ctx, gateway)]
            if level > 0:
                tws.require_ibkr(gateway)
                proven.append(f"account: {require(tws.account(gateway), Verdict.NO_ACCOUNT).evidence}")
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


def _basic(ctx: Context, gateway: "Gateway") -> str:
    answered = require(tws.round_trip(gateway), Verdict.MUTE_AFTER_HANDSHAKE).evidence
    accounts = ", ".join(gateway.accounts)
    return f"connected to {ctx.settings.ibkr.place} as client {gateway.client_id}: {answered}, accounts {accounts}"


def _data(ctx: Context, gateway: "Gateway", symbols: Sequence[str]) -> Iterator[str]:
    open_now = tws.in_session(ctx)
    yield "the market is open" if open_now else tws.CLOSED[open_now]
    for quote in tws.quotes(gateway, symbols, open_now):
        yield tws.proven(gateway, quote, open_now)


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
    raise FatalError(
        f"the connection from {local[0]}:{local[1]} was ended and is not gone: {states}. What to do: "
        "`v6 gateway watch` shows whose end it is; restart TWS if such ends of its own keep growing in number"
    )


def remains(ibkr: Ibkr, local: tuple[str, int]) -> tuple[list[PortSocket], str]:
    """Both ends of the connection that began at `local`, as far as the kernel's tables have them; and why TWS's side is
    not visible. TIME_WAIT is the kernel's own, and harmless. Raises CannotLook."""
    found, ours = port_sockets(ibkr.host, ibkr.port, owners=False), f"{local[0]}:{local[1]}"
    return [row for row in found.rows if ours in (row.local, row.remote) and row.state != "TIME_WAIT"], found.blind
