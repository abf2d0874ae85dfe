"""Save the trading state and end cleanly before TWS restarts.

Usage: scripts/pre_restart.py
Exit codes: 0 saved; 1 not everything; 2 a person must look.
"""

from v6.model import FatalError
from v6.runner.context import Context


def pre_restart(_ctx: Context) -> str:
    raise FatalError("in progress")
