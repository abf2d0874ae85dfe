"""What an option is worth at a volatility, and which volatility a price implies."""

from typing import TYPE_CHECKING

from v6.simulator import errors
from v6.simulator.instruments.listings import Listing, Spec
from v6.simulator.lookup import meant
from v6.simulator.market.calculations import at_volatility, implied_volatility
from v6.simulator.messages import ticks
from v6.simulator.wire import Fields

if TYPE_CHECKING:
    from v6.simulator.session import Session

NOT_COMPUTED, NO_GREEK = -1.0, -2.0
LEAST, MOST, MOST_VOLATILITY = 1e-4, 1e7, 100.0  # beyond, floating point gives up


def _option(session: "Session", request: int, spec: Spec) -> Listing | None:
    """The one option that is meant; after an error None."""
    listing = meant(session, request, spec)
    if listing is not None and listing.sec_type != "OPT":
        session.error(request, *errors.validating("bz", f"Invalid security type {listing.sec_type}"))
        return None
    return listing


def option_price(session: "Session", fields: Fields) -> None:
    fields.skip(1)
    request, spec, volatility, spot = fields.integer(), Spec.read(fields), fields.number(), fields.number()
    listing = _option(session, request, spec)
    if listing is None:
        return
    if not (LEAST <= volatility <= MOST_VOLATILITY and LEAST <= spot <= MOST):
        session.error(request, *errors.validating("bz", "Invalid volatility or underlying price"))
        return
    session.send(ticks.custom_computation(request, at_volatility(listing, volatility, spot, session.server.epoch())))


def volatility(session: "Session", fields: Fields) -> None:
    """TWS answers with the volatility alone: the greeks are -2."""
    fields.skip(1)
    request, spec, price, spot = fields.integer(), Spec.read(fields), fields.number(), fields.number()
    listing = _option(session, request, spec)
    if listing is None:
        return
    if not (LEAST <= price <= MOST and LEAST <= spot <= MOST):
        session.error(request, *errors.validating("ba", "Invalid option or underlying price"))
        return
    now = session.server.epoch()
    iv = implied_volatility(listing, price, spot, now)
    computed = at_volatility(listing, iv or 1.0, spot, now)._replace(
        iv=NOT_COMPUTED if iv is None else iv, price=price, delta=NO_GREEK, gamma=NO_GREEK, vega=NO_GREEK,
        theta=NO_GREEK,
    )  # fmt: skip
    session.send(ticks.custom_computation(request, computed))
