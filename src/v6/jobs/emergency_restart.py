"""emergency_restart.

Usage: scripts/emergency_restart.py
"""

from v6.model import SkipRun
from v6.runner.context import Context


def emergency_restart(ctx: Context) -> str:
    raise SkipRun("not_yet", "not built")
