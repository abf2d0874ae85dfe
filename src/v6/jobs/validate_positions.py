"""Explain positions and orders of TWS by what was stored and traded."""

from v6.model import FatalError
from v6.runner.context import Context


def validate_positions(ctx: Context) -> str:
    raise FatalError("not built yet")
