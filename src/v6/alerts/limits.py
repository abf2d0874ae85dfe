"""How often, and when not, a person is told: the settings of `alerts` as schedule.txt has them. Standard library only:
the supervisor reads them."""

from collections import namedtuple
from collections.abc import Mapping
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from v6.clock import NEW_YORK

Limits = namedtuple("Limits", "messages_per_hour repeat log_lines quiet_start quiet_end quiet_severities zone")

DEFAULTS = {
    "alerts.messages_per_hour": "12",
    "alerts.repeat_hours": "6",
    "alerts.log_lines": "8",
    "alerts.quiet_start": "00:00",
    "alerts.quiet_end": "00:00",
    "alerts.quiet_severities": "",
    "timezone": "America/New_York",
}
"""Where the schedule cannot be read: then above all a person must hear of it."""


def of(settings: Mapping[str, str]) -> Limits:
    """The limits in the settings of a compiled schedule."""
    known = {key: settings.get(key, default) for key, default in DEFAULTS.items()}
    return Limits(
        messages_per_hour=int(known["alerts.messages_per_hour"]),
        repeat=timedelta(hours=float(known["alerts.repeat_hours"])),
        log_lines=int(known["alerts.log_lines"]),
        quiet_start=known["alerts.quiet_start"],
        quiet_end=known["alerts.quiet_end"],
        quiet_severities=tuple(known["alerts.quiet_severities"].split(",")),
        zone=_zone(known["timezone"]),
    )


def is_held(limits: Limits, severity: str, now: datetime) -> bool:
    """Whether an alert of this severity waits for the end of the quiet hours."""
    return severity in limits.quiet_severities and in_quiet_hours(limits, now)


def in_quiet_hours(limits: Limits, now: datetime) -> bool:
    """From `quiet_start` to before `quiet_end`, on the clocks of the schedule's zone; they may cross midnight."""
    start, end, clock = limits.quiet_start, limits.quiet_end, f"{now.astimezone(limits.zone):%H:%M}"
    if start <= end:
        return bool(start <= clock < end)
    return bool(clock >= start or clock < end)


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return NEW_YORK
