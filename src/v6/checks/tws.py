"""Checks over an open connection to TWS. Being connected proves nothing: every one of them asks and waits (L24)."""

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from v6 import clock
from v6.analysis.findings import Finding, State, could_not_check, failed, ok
from v6.analysis.liquid_hours import differences
from v6.gateway.error_codes import FARM_CONNECTS, FARM_DOWN
from v6.gateway.errors import ConnectFailed
from v6.model import Contract, DataType, Quote, QuoteStatus
from v6.runner.context import Context
from v6.scheduler import compiled, slots, wall

if TYPE_CHECKING:
    from v6.gateway.client import Gateway

LIVE, FROZEN = 1, 2
QUOTE_SECONDS = 15.0


def gateway(ctx: Context) -> Finding:
    """Connect and ask the time, but not while TWS may be restarting: that is expected, and a probe could hinder it."""
    windows = compiled.load(ctx.paths.compiled / "schedule.txt").windows
    if window := slots.restart_window(wall.minute_of(ctx.now()), windows):
        return could_not_check("gateway", f"inside the restart window {window.name}")
    try:
        with ctx.gateway("checks") as tws:
            answered, lines = round_trip(tws), farms(tws)
            return failed("gateway", f"data farms {lines.evidence}") if lines.state is State.FAILED else answered
    except ConnectFailed as error:
        return failed("gateway", f"{error}. What to do: {error.cure}")


def round_trip(tws: "Gateway") -> Finding:
    started = clock.monotonic()
    tws.current_time()
    milliseconds = (clock.monotonic() - started) * 1000
    return ok("gateway", f"answered in {milliseconds:.0f} ms, server version {tws.server_version}")


def clock_skew(ctx: Context, tws: "Gateway") -> Finding:
    """TWS's clock, in whole seconds, against ours at the middle of the round trip."""
    before = clock.utc_now()
    server = tws.current_time().astimezone(UTC)
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
    """A quote of the check symbol: live while the market is open, else any last known value, which the words say."""
    symbol = ctx.settings.health.check_symbol
    in_session = ctx.calendar.get_market_phase(ctx.now()) == "market_open"
    tws.set_market_data_type(LIVE if in_session else FROZEN)
    stock = Contract("STK", symbol, "SMART")
    quote = tws.quotes([stock], need_greeks=False, deadline_seconds=QUOTE_SECONDS)[0]
    if quote.status is QuoteStatus.MISSING:
        return failed("market data", f"{symbol}: {quote.reason} {quote.detail}")
    words = f"{symbol} {_values(quote)}, {quote.data_type or 'kind of data not said'}"
    if in_session and quote.data_type is None:
        return could_not_check("market data", f"{words}: the market is open, live data are not proven")
    if in_session and quote.data_type is not DataType.LIVE:
        return failed("market data", f"{words}: the market is open, live data expected")
    return ok("market data", words if in_session else f"{words}; outside the session, live data are not proven")


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


def _values(quote: Quote) -> str:
    if quote.bid is not None and quote.ask is not None:
        return f"bid {quote.bid:g} ask {quote.ask:g}"
    return f"last {quote.last:g}" if quote.last is not None else f"close {quote.close or 0:g}"
