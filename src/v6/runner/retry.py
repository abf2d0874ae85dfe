"""When another attempt is worth starting, and after how long. Pure: the caller passes the dice."""

from v6.scheduler.compiled import Task
from v6.scheduler.deadline import longest_wait

SHORTEST_USEFUL_SECONDS = 5.0


def delay(task: Task, failed_attempts: int, dice: float) -> float:
    """Seconds to wait after that many failed attempts: the longest wait, of which `backoff_jitter` is left to chance.

    `dice` is uniform in [0, 1): jobs that TWS's restart broke in the same second must not come back in the same second.
    """
    return longest_wait(task, failed_attempts) * (1 - task.backoff_jitter + task.backoff_jitter * dice)


def worth_starting(remaining: float, wait: float, usual_seconds: float | None) -> bool:
    """Whether an attempt begun after `wait` can end before the deadline, judged by how long successes usually take."""
    return latest_start(remaining, usual_seconds) >= wait


def latest_start(deadline: float, usual_seconds: float | None) -> float:
    """When an attempt must begin to end before the deadline."""
    return deadline - max(SHORTEST_USEFUL_SECONDS, usual_seconds or 0.0)
