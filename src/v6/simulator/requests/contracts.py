"""Contract details and option chains."""

from typing import TYPE_CHECKING

from v6.simulator import errors
from v6.simulator.instruments.listings import Listing, Spec
from v6.simulator.market.hours import hours_text, new_york_date
from v6.simulator.messages import contracts
from v6.simulator.wire import Fields

if TYPE_CHECKING:
    from v6.simulator.session import Session


def details(session: "Session", fields: Fields) -> None:
    fields.skip(1)
    request, spec, expired = fields.integer(), Spec.read(fields), fields.flag()
    found = session.server.contracts.find(spec, new_york_date(session.server.epoch()), expired=expired)
    if not found:
        session.server.wheel.after(
            session.server.options.reply_seconds, lambda: session.error(request, *errors.NO_DEFINITION)
        )
        return
    seconds, options = 0.0, session.server.options
    if options.latency:
        seconds = options.reply_seconds + len(found) * options.contract_seconds
        if spec.sec_type == "OPT" and not (spec.expiry or spec.con_id or spec.local_symbol):
            seconds = options.wide_details_seconds
    frames = [contracts.contract_details(session.version, request, each, _hours(session, each)) for each in found]
    session.later(seconds, *frames, contracts.contract_details_end(request))


def _hours(session: "Session", listing: Listing) -> tuple[str, str]:
    server = session.server
    today = new_york_date(server.epoch())
    return (
        hours_text(server.hours, listing.sec_type, today, liquid=False, zone=listing.zone),
        hours_text(server.hours, listing.sec_type, today, liquid=True, zone=listing.zone),
    )


def option_parameters(session: "Session", fields: Fields) -> None:
    """The cross product of expiries and strikes for each class and exchange: many pairs do not exist."""
    request, symbol, future_exchange, sec_type = fields.integer(), fields.text(), fields.text(), fields.text()
    con_id = fields.integer()
    underlying = session.server.contracts.underlying(con_id)
    if underlying is None or (underlying.symbol, underlying.sec_type) != (symbol, sec_type):
        if future_exchange:  # options on futures are not modelled: none listed
            session.send(contracts.option_parameters_end(request))
        else:
            session.error(request, errors.VALIDATION, "Error validating request.-'bH' : cause - Invalid contract id")
        return
    frames = []
    for row in session.server.contracts.parameters(underlying, new_york_date(session.server.epoch())):
        frames += [
            contracts.option_parameters(
                request, exchange, con_id, row.trading_class, row.multiplier, row.expiries, row.strikes
            )
            for exchange in row.exchanges
        ]
    session.later(session.server.options.reply_seconds, *frames, contracts.option_parameters_end(request))
