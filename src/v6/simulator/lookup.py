"""The contract that a request means, and what TWS says when it is none or several: the same for every request."""

from typing import TYPE_CHECKING

from v6.simulator import errors
from v6.simulator.instruments.listings import Listing, Spec
from v6.simulator.market.hours import new_york_date

if TYPE_CHECKING:
    from v6.simulator.server import Server
    from v6.simulator.session import Session


def the_one(server: "Server", spec: Spec, *, expired: bool = False) -> Listing | tuple[int, str]:
    """The one contract, or the code and text of error 200."""
    found = server.contracts.find(spec, new_york_date(server.epoch()), expired=expired)
    if len(found) == 1:
        return found[0]
    code, text = errors.AMBIGUOUS if found else errors.NO_DEFINITION
    return code, text.format(symbol=spec.symbol)


def meant(session: "Session", request: int, spec: Spec, *, expired: bool = False) -> Listing | None:
    """The one contract; after error 200 None."""
    found = the_one(session.server, spec, expired=expired)
    if isinstance(found, Listing):
        return found
    session.error(request, *found)
    return None
