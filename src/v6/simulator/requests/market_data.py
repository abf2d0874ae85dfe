"""Market data: streams and snapshots."""

from typing import TYPE_CHECKING

from v6.simulator import errors
from v6.simulator.instruments.listings import Spec
from v6.simulator.lookup import meant
from v6.simulator.market.quotes import DELAYED, DELAYED_FROZEN
from v6.simulator.wire import Fields, WireError

if TYPE_CHECKING:
    from v6.simulator.session import Session


def subscribe(session: "Session", fields: Fields) -> None:
    fields.skip(1)
    request, spec = fields.integer(), Spec.read(fields)
    if fields.flag():
        fields.skip(3)  # delta-neutral contract
    generic, snapshot = generic_ticks(fields.text()), fields.flag()
    if request in session.lines:
        session.error(request, *errors.DUPLICATE_TICKER)
    elif not spec.exchange:
        session.error(request, errors.VALIDATION, "Error validating request.-'bN' : cause - Please enter exchange")
    elif snapshot and generic:
        session.error(request, errors.VALIDATION, "Error validating request.-'bN' : cause - Snapshot market data "
                      "subscription is not applicable to generic ticks")  # fmt: skip
    else:
        _open(session, request, spec, generic, snapshot)


def _open(session: "Session", request: int, spec: Spec, generic: frozenset[int], snapshot: bool) -> None:
    listing = meant(session, request, spec)
    if listing is None:
        return
    code = session.server.faults.subscription_error(listing) or 0
    if code and (session.data_type not in (DELAYED, DELAYED_FROZEN) or code == 10168):
        session.error(request, code, errors.NO_PERMISSION.get(code, errors.NO_PERMISSION[354]))
        return
    session.open_line(request, listing, generic, snapshot=snapshot)


def generic_ticks(text: str) -> frozenset[int]:
    """The numbers of a generic tick list. Raises WireError."""
    try:
        return frozenset(int(part) for part in text.split(",") if part.strip() and not part.startswith("mdoff"))
    except ValueError:
        raise WireError(f"generic tick list {text!r}") from None


def cancel(session: "Session", fields: Fields) -> None:
    fields.skip(1)
    request = fields.integer()
    if not session.end_line(request):
        code, text = errors.CANNOT_FIND
        session.error(request, code, text.format(request=request))


def choose_type(session: "Session", fields: Fields) -> None:
    """A wish, not a promise: message 58 tells what is really sent."""
    fields.skip(1)
    kind = fields.integer()
    if kind in (1, 2, 3, 4):
        session.data_type = kind
    else:
        session.error(-1, errors.VALIDATION, "Error validating request.-'bQ' : cause - Invalid market data type")
