"""test_connection.

Usage: scripts/test_connection.py
"""

from v6.model import SkipRun
from v6.runner.context import Context


def test_connection(ctx: Context) -> str:
    raise SkipRun("not_yet", "not built")
