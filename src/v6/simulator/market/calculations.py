"""reqCalcImpliedVolat and reqCalcOptionPrice: plain Black-Scholes-Merton, one volatility for every strike."""

from v6.simulator.instruments.listings import Listing
from v6.simulator.instruments.underlyings import UNDERLYINGS
from v6.simulator.market.surface import YEAR, Greeks, expiry_slice, price_and_greeks

LOWEST, HIGHEST, HALVINGS = 0.0001, 20.0, 80
MINUTE = 60.0


def at_volatility(listing: Listing, volatility: float, spot: float, instant: float) -> Greeks:
    """Price and greeks at that annual volatility (0.25 is 25 %) and price of the underlying, in dollars."""
    years = max(listing.expires_at - instant, MINUTE) / YEAR
    flat = expiry_slice(spot, years, volatility * volatility * years, UNDERLYINGS[listing.symbol].dividend)
    return price_and_greeks(flat._replace(phi=0.0), listing.strike, listing.call)


def implied_volatility(listing: Listing, price: float, spot: float, instant: float) -> float | None:
    """The volatility at which the option is worth that; None when it cannot be."""
    low, high = LOWEST, HIGHEST
    cheapest, dearest = (at_volatility(listing, edge, spot, instant).price for edge in (low, high))
    if not cheapest <= price <= dearest:
        return None
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        if at_volatility(listing, middle, spot, instant).price < price:
            low = middle
        else:
            high = middle
    return (low + high) / 2
