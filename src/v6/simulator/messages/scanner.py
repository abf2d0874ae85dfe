"""Scanner parameters and scanner results."""

from collections.abc import Sequence

from v6.simulator.instruments.listings import Listing
from v6.simulator.wire import Field, frame, plain


def scanner_parameters(xml: str) -> bytes:
    return frame(19, 1, xml)


def scanner_data(request: int, found: Sequence[Listing]) -> bytes:
    """Ranked from 0; distance, benchmark, projection and legs are empty for what is no combination."""
    fields: list[Field] = [20, 3, request, len(found)]
    for rank, listing in enumerate(found):
        fields += [
            rank, listing.con_id, listing.symbol, listing.sec_type, listing.expiry_text, plain(listing.strike),
            listing.right, listing.exchange, listing.currency, listing.local_symbol, listing.market_name,
            listing.trading_class, "", "", "", "",
        ]  # fmt: skip
    return frame(*fields)
