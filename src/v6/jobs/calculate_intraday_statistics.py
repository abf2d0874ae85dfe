"""Compute the statistics of the slots collected so far."""

from v6.model import FatalError
from v6.runner.context import Context


def calculate_intraday_statistics(ctx: Context) -> str:
    raise FatalError("not built yet")
