"""The contract that a request means, and what TWS says when it is none or several: the same for every request."""

from typing import TYPE_CHECKING

from v6.simulator import errors
from v6.simulator.instruments.listings import Listing, Spec
from v6.simulator.market.hours import new_york_date

if TYPE_CHECKING:
    from v6.simulator.session import Session


def meant(session: "Session", request: int, spec: Spec, *, expired: bool = False) -> Listing | None:
    """The one contract; after error 200 None."""
    found = session.server.contracts.find(spec, new_york_date(session.server.epoch()), expired=expired)
    if len(found) == 1:
        return found[0]
    code, text = errors.AMBIGUOUS if found else errors.NO_DEFINITION
    session.error(request, code, text.format(symbol=spec.symbol))
    return None
