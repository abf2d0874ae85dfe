"""The futures front months that slots have stored: decided once a day, they never change within it."""

from datetime import date

from v6.model import Contract
from v6.runner.context import Context

TABLE = "futures_snapshots"
COLUMNS = ("symbol", "con_id", "local_symbol", "expiry", "slot")


def stored(ctx: Context, first: date, last: date) -> dict[str, Contract]:
    """symbol -> the front month of the latest slot from `first` to `last`, of the symbols that are configured."""
    exchanges = ctx.settings.futures.symbols
    rows = ctx.lake.read(TABLE, start=first, end=last, columns=COLUMNS).sort("slot").to_dicts()
    return {
        row["symbol"]: Contract(
            "FUT",
            row["symbol"],
            exchanges[row["symbol"]],
            row["con_id"],
            local_symbol=row["local_symbol"] or "",
            expiry=row["expiry"],
        )
        for row in rows
        if row["symbol"] in exchanges
    }
