"""Prove that the lake is what was written, and that a second reader agrees."""

from v6.model import FatalError
from v6.runner.context import Context


def audit_data_integrity(ctx: Context) -> str:
    raise FatalError("not built yet")
