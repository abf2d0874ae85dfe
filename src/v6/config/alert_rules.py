"""What must hold of alerts and heartbeats, and of their variables: one that nothing reads would silence them."""

from collections.abc import Collection, Iterator, Mapping

from v6.config.settings import Heartbeat

ALERT_URLS = "V6_ALERT_URLS"
HEARTBEAT_URL = "V6_HEARTBEAT_URL"
PREFIXES = ("V6_ALERT", "V6_HEARTBEAT")


def problems(heartbeat: Heartbeat, tasks: Collection[str]) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """(path, problem, paths beside it)."""
    for task in heartbeat.tasks if heartbeat.tasks != "all" else ():
        if task not in tasks:
            yield "heartbeat.tasks", f"{task!r} is no task, allowed: all, or of {', '.join(tasks)}", ()


def misspelt(values: Mapping[str, str], tasks: Collection[str]) -> Iterator[str]:
    """Variables with our prefixes that nothing reads."""
    known = {ALERT_URLS, HEARTBEAT_URL, *(f"{HEARTBEAT_URL}_{task.upper()}" for task in tasks)}
    for name in values:
        if name.startswith(PREFIXES) and name not in known:
            yield f"{name}: nothing reads this name, allowed: {ALERT_URLS}, {HEARTBEAT_URL}, {HEARTBEAT_URL}_<TASK>"
