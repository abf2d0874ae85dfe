"""What supervisor, gate and dispatcher need to know of alerts, heartbeats and metrics, as settings of schedule.txt:
they start in milliseconds and read no YAML. Addresses are secrets and are never compiled, only whose word is awaited.
Standard library only."""

TYPE_CHECKING = False  # importing typing costs a light process milliseconds
if TYPE_CHECKING:
    from collections.abc import Mapping

    from v6.config.load import Config

HEARTBEAT_URL = "V6_HEARTBEAT_URL"
HEARTBEATS = "heartbeat.awaited"
"""The setting with the tasks for which `.env` has an address."""
METRICS = "metrics.wanted"


def settings(config: "Config") -> dict[str, str]:
    """Key -> text, of `alerts`, `heartbeat` and `metrics`."""
    alerts, heartbeat = config.settings.alerts, config.settings.heartbeat
    listed = tuple(config.scheduler.tasks) if heartbeat.tasks == "all" else heartbeat.tasks
    awaited = [task for task in config.scheduler.tasks if address(task, listed, config.environment)]
    return {
        "alerts.messages_per_hour": str(alerts.messages_per_hour),
        "alerts.repeat_hours": f"{alerts.repeat_hours:g}",
        "alerts.log_lines": str(alerts.log_lines),
        "alerts.quiet_start": alerts.quiet_hours.start,
        "alerts.quiet_end": alerts.quiet_hours.end,
        "alerts.quiet_severities": ",".join(alerts.quiet_hours.severities),
        "heartbeat.tasks": ",".join(listed),
        "heartbeat.timeout_seconds": f"{heartbeat.timeout_seconds:g}",
        HEARTBEATS: ",".join(awaited),
        METRICS: "yes" if config.settings.metrics.textfile else "no",
    }


def address(task: str, listed: tuple[str, ...], values: "Mapping[str, str]") -> str:
    """Where the task pings: its own address, else the common one if it is listed; empty: nowhere."""
    own = values.get(f"{HEARTBEAT_URL}_{task.upper()}")
    common = values.get(HEARTBEAT_URL, "") if task in listed else ""
    return own or common.replace("{task}", task)


def is_awaited(settings: "Mapping[str, str]", task: str, environ: "Mapping[str, str]") -> bool:
    """Whether somebody may wait for the task's word: only then a process is worth starting."""
    named = any(name.startswith(HEARTBEAT_URL) for name in environ)
    return named or task in settings.get(HEARTBEATS, "").split(",")


def wants_metrics(settings: "Mapping[str, str]") -> bool:
    """Whether they are written at all; where that is not known the dispatcher looks."""
    return settings.get(METRICS) != "no"
