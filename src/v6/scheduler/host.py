"""The time zone of this host: the one its cron daemon and its TWS follow."""

from pathlib import Path

ZONES = "zoneinfo/"


class HostZoneError(Exception):
    """The host's zone has no name here; the message says where it is looked for."""


def host_zone(etc: Path = Path("/etc")) -> str:
    """Its name. `TZ` is not asked: cron's daemon does not see the shell's. A host without /etc/localtime is on UTC."""
    localtime = etc / "localtime"
    if not localtime.exists():
        return "Etc/UTC"
    target = str(localtime.resolve())
    if ZONES in target:
        return target.partition(ZONES)[2]
    named = etc / "timezone"
    if named.exists():
        return named.read_text(encoding="ascii").strip()
    raise HostZoneError(
        f"{localtime} is a copy without a name and {named} does not exist; link it: timedatectl set-timezone"
    )
