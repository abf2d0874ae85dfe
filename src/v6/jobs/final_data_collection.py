"""Store closing quotes, marks and open interest, and complete the day's ledger."""

from v6.model import FatalError
from v6.runner.context import Context


def final_data_collection(ctx: Context) -> str:
    raise FatalError("not built yet")
