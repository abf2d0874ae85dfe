"""Checks over an open connection to TWS. Being connected proves nothing: every one of them asks and waits (L24)."""

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from v6 import clock
from v6.analysis.findings import Finding, State, could_not_check, failed, ok
from v6.analysis.liquid_hours import differences
from v6.checks.proof import NotProven, verdicts
from v6.gateway.data_proof import Flow
from v6.gateway.diagnose import DATA_NEEDS_PERSON
from v6.gateway.error_codes import FARM_CONNECTS, FARM_DOWN
from v6.gateway.verdicts import Verdict
from v6.model import Contract, DataType, MissReason, Quote, QuoteStatus
from v6.runner.context import Context
from v6.scheduler import compiled, slots, wall
from v6.scheduler.nyse_calendar import CalendarError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from v6.gateway.client import Gateway

LIVE, FROZEN = 1, 2
QUOTE_SECONDS = 15.0
DELAYED = (DataType.DELAYED, DataType.DELAYED_FROZEN)
CLOSED = {
    False: "the market is closed: live data cannot be proven now",
    None: "whether the market is open is not known: live data are not proven",
}
FLOWS = {
    MissReason.NO_SUBSCRIPTION: Flow.NO_SUBSCRIPTION,
    MissReason.COMPETING_SESSION: Flow.COMPETING,
    MissReason.NO_TICK: Flow.SILENT,
    MissReason.DEADLINE: Flow.SILENT,
    MissReason.LINES: Flow.LINES,
}
CONNECTION = {
    MissReason.SERVER_LOST: Verdict.FARMS_DOWN,
    MissReason.DISCONNECTED: Verdict.MUTE_AFTER_HANDSHAKE,
    MissReason.TWS_DOWN: Verdict.MUTE_AFTER_HANDSHAKE,
}
SYMBOL = "correct the symbol in --symbols or health.check_symbol; only stocks that TWS routes by SMART are quoted here"


def gateway(ctx: Context) -> Finding:
    """Connect and ask the time, but not while TWS may be restarting: that is expected, and a probe could hinder it."""
    windows = compiled.load(ctx.paths.compiled / "schedule.txt").windows
    if window := slots.restart_window(wall.minute_of(ctx.now()), windows):
        return could_not_check("gateway", f"inside the restart window {window.name}")
    try:
        with verdicts(ctx), ctx.gateway("checks") as tws:
            answered, lines = round_trip(tws), farms(tws)
            return failed("gateway", f"data farms {lines.evidence}") if lines.state is State.FAILED else answered
    except NotProven as why:
        unknown = why.verdict is Verdict.COULD_NOT_CHECK
        return could_not_check("gateway", str(why)) if unknown else failed("gateway", str(why))


def round_trip(tws: "Gateway") -> Finding:
    started = clock.monotonic()
    current_time(tws)
    milliseconds = (clock.monotonic() - started) * 1000
    return ok("gateway", f"answered in {milliseconds:.0f} ms, server version {tws.server_version}")


def current_time(tws: "Gateway") -> datetime:
    """TWS's clock in UTC. A TWS that is well answers at once: RequestTimeout after `ibkr.probe_seconds`."""
    connection = tws.connection
    usual = connection.request_seconds
    connection.request_seconds = min(usual, tws.settings.probe_seconds)
    try:
        return tws.current_time()
    finally:
        connection.request_seconds = usual


def require_ibkr(tws: "Gateway") -> None:
    """Raises NotProven when TWS says that it has lost IBKR: questions would wait for its return."""
    if tws.server_lost:
        raise NotProven.of(Verdict.FARMS_DOWN, f"TWS has lost IBKR: {tws.connection.link.words}")


def clock_skew(ctx: Context, tws: "Gateway") -> Finding:
    """TWS's clock, in whole seconds, against ours at the middle of the round trip."""
    before = clock.utc_now()
    server = current_time(tws).astimezone(UTC)
    skew = (server - before - (clock.utc_now() - before) / 2).total_seconds()
    limit = ctx.settings.health.max_clock_skew_seconds
    words = f"TWS {skew:+.1f} s from this host's clock, allowed {limit:g} s"
    return ok("clock", words) if abs(skew) <= limit + 1 else failed("clock", words)


def account(tws: "Gateway") -> Finding:
    """At least one account, with its summary."""
    if not tws.accounts:
        return failed("account", "TWS names no account")
    summary = tws.account_summary()
    silent = [name for name in tws.accounts if not summary.get(name)]
    if silent:
        return failed("account", f"{len(silent)} of {len(tws.accounts)} accounts have no summary")
    return ok("account", f"{len(tws.accounts)} with summary")


def farms(tws: "Gateway") -> Finding:
    """No data farm may be down; one that is idle comes up on demand."""
    down = sorted(name for name, code in tws.farms.items() if code in FARM_DOWN)
    if down:
        return failed("data farms", f"down: {', '.join(down)}")
    if connecting := sorted(name for name, code in tws.farms.items() if code == FARM_CONNECTS):
        return could_not_check("data farms", f"still connecting: {', '.join(connecting)}")
    if not tws.farms:
        return could_not_check("data farms", "TWS has said nothing about them")
    return ok("data farms", f"{len(tws.farms)} up or idle")


def live_data(ctx: Context, tws: "Gateway") -> Finding:
    """A quote of the check symbol: live while the market is open, else any last known value, which the words say.
    Raises NotProven for anything else."""
    open_now = in_session(ctx)
    said = proven(tws, quotes(tws, [ctx.settings.health.check_symbol], open_now)[0], open_now)
    return ok("market data", said if open_now else f"{said}; {CLOSED[open_now]}")


def in_session(ctx: Context) -> bool | None:
    """None: there is no calendar yet, as before the first run in a new checkout."""
    try:
        return bool(ctx.calendar.get_market_phase(ctx.now()) == "market_open")
    except CalendarError as error:
        ctx.log.warning("whether the market is open is not known: {}", error)
        return None


def quotes(tws: "Gateway", symbols: "Sequence[str]", open_now: bool | None) -> list[Quote]:
    """Of stocks, in the same order; outside of the session frozen ones will do."""
    tws.set_market_data_type(LIVE if open_now else FROZEN)
    stocks = [Contract("STK", symbol.upper(), "SMART") for symbol in symbols]
    return tws.quotes(stocks, need_greeks=False, deadline_seconds=QUOTE_SECONDS)


def proven(tws: "Gateway", quote: Quote, open_now: bool | None) -> str:
    """What the quote says, if it shows that data flow: live ones in the session, at any hour none that are delayed.
    Raises NotProven, and what a question raises that TWS does not answer."""
    said = f"{quote.contract.symbol}: {_words(quote)}"
    if quote.status is QuoteStatus.MISSING:
        raise _missing(tws, quote, said)
    if open_now and quote.data_type is None:
        raise NotProven.of(Verdict.COULD_NOT_CHECK, f"{said}: the market is open, live data are not proven")
    if quote.data_type in DELAYED:
        raise NotProven.of(Verdict.NO_MARKET_DATA, said, person=DATA_NEEDS_PERSON[Flow.DELAYED])
    if open_now and quote.data_type is not DataType.LIVE:
        words = f"{said} although the market is open"
        raise NotProven.of(Verdict.NO_MARKET_DATA, words, person=DATA_NEEDS_PERSON[Flow.FROZEN])
    return said


def _missing(tws: "Gateway", quote: Quote, said: str) -> NotProven:
    """Why there is no quote: the symbol, the connection, a farm, or the data themselves."""
    reason = quote.reason
    if reason is MissReason.NO_CONTRACT:
        words = f"TWS does not know the symbol {said}"
        return NotProven.of(Verdict.COULD_NOT_CHECK, words, person=True, cure=SYMBOL)
    if reason in CONNECTION:
        return NotProven.of(CONNECTION[reason], said)
    current_time(tws)  # a TWS that has fallen silent has no farm and no data to blame
    lines, flow = farms(tws), FLOWS.get(reason) if reason else None
    if lines.state is State.FAILED or (flow is Flow.SILENT and FARM_CONNECTS in tws.farms.values()):
        return NotProven.of(Verdict.FARMS_DOWN, f"{lines.evidence} ({said})")
    if flow is None:
        return NotProven.of(Verdict.COULD_NOT_CHECK, said)
    return NotProven.of(Verdict.NO_MARKET_DATA, said, person=DATA_NEEDS_PERSON[flow])


def calendar(ctx: Context, tws: "Gateway") -> Finding:
    """The compiled calendar against the hours TWS lists for the check symbol in the coming days."""
    symbol = ctx.settings.health.check_symbol
    listed = tws.contract_details(Contract("STK", symbol, "SMART"))
    hours = listed[0].liquid_hours if listed else ()
    if not hours:
        return could_not_check("calendar", f"TWS lists no hours for {symbol}")

    def session_of(day: date) -> tuple[datetime, datetime] | None:
        session = ctx.calendar.session(day)
        return (session.open, session.close) if session else None

    different = differences(hours, session_of)
    if different:
        return failed("calendar", "; ".join(different))
    first, last = hours[0][0].date(), hours[-1][0].date()
    return ok("calendar", f"agrees with TWS on {len(hours)} sessions, {first} to {last}")


def _words(quote: Quote) -> str:
    """`bid 9.8 ask 10.2 last 10, live data`, or why there is nothing."""
    if quote.status is QuoteStatus.MISSING:
        return f"{quote.reason} {quote.detail}".strip()
    prices = (("bid", quote.bid), ("ask", quote.ask), ("last", quote.last), ("close", quote.close))
    known = " ".join(f"{name} {price:g}" for name, price in prices if price is not None)
    return f"{known}, {quote.data_type or 'kind of data not said'}{' data' if quote.data_type else ''}"
