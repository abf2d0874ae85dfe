"""How much memory this process has, for a session that must stay within `session.max_memory_mb`."""

import psutil


def resident_mb() -> float:
    """The resident set of this process, in MB (10^6 bytes)."""
    return float(psutil.Process().memory_info().rss) / 1e6
