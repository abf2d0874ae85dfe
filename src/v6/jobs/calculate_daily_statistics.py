"""Compute the day's statistics."""

from v6.model import FatalError
from v6.runner.context import Context


def calculate_daily_statistics(ctx: Context) -> str:
    raise FatalError("not built yet")
