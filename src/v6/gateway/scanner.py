"""Market scanners: the first list that a scanner sends, which it would send again every half minute."""

from v6.gateway.connection import Connection, Undo
from v6.gateway.contracts import from_library
from v6.model import Contract, ScannerFilter


async def scan(connection: Connection, wanted: ScannerFilter) -> list[Contract]:
    """What it finds now, best first; [] when nothing passes. Raises RequestError 162 for one that TWS does not know."""
    types = connection.library.module
    subscription = types.ScannerSubscription(
        numberOfRows=wanted.rows,
        instrument=wanted.instrument,
        locationCode=wanted.location,
        scanCode=wanted.scan_code,
    )
    filters = [types.TagValue(tag, value) for tag, value in wanted.filters]
    client = connection.client
    rows = await connection.ask(
        f"scanner {wanted.scan_code} of {wanted.location}",
        lambda number: client.reqScannerSubscription(number, subscription, [], filters),
        undo=Undo(client.cancelScannerSubscription, always=True),
    )
    await connection.turn("the scanner's end", lambda: None)  # behind the cancel, which has left then: TWS has few
    return [from_library(details.contract) for _, details in sorted(rows, key=lambda row: row[0])]
