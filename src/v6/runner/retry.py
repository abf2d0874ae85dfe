"""When another attempt is worth starting, and after how long. Pure: the caller passes the dice."""

SHORTEST_USEFUL_SECONDS = 5.0


def delay(failed_attempts: int, *, base: float, factor: float, cap: float, dice: float) -> float:
    """Seconds to wait after that many failed attempts: base * factor^(n-1), at most cap, times 0.5 to 1.0.

    `dice` is uniform in [0, 1): jobs that TWS's restart broke in the same second must not come back in the same second.
    """
    whole = min(cap, base * factor ** (failed_attempts - 1))
    return whole * (0.5 + 0.5 * dice)


def worth_starting(remaining: float, wait: float, usual_seconds: float | None) -> bool:
    """Whether an attempt begun after `wait` can end before the deadline, judged by how long successes usually take."""
    return remaining - wait >= max(SHORTEST_USEFUL_SECONDS, usual_seconds or 0.0)
