"""The zone that cron takes its lines' times for: the daemon's TZ, else the host's /etc/localtime.

Jobs inherit nothing of the daemon's TZ, and a daemon without one follows /etc/localtime when it changes (measured).
"""

import shlex
from pathlib import Path
from typing import NamedTuple

from v6.config.scheduler_config import require_zone
from v6.cron.flavour import Flavour, said
from v6.cron.flavour import find as find_flavour
from v6.cron.roots import HOST, Roots
from v6.scheduler import host

UTC = "Etc/UTC"
ZONEINFO = "/usr/share/zoneinfo/"


class DaemonZoneError(Exception):
    """The zone has no name that we could render a crontab for."""


class DaemonZone(NamedTuple):
    name: str
    why: str


def zone(flavour: Flavour | None = None, roots: Roots = HOST) -> DaemonZone:
    """Of a daemon that runs its own environment decides, else what it would be started with. Raises DaemonZoneError."""
    flavour = flavour or find_flavour(roots)
    unreadable = []
    for pid in flavour.pids:
        try:
            given = _environ(roots.proc / str(pid) / "environ").get("TZ")
        except OSError as error:
            unreadable.append(f"environment of process {pid}: {error.strerror}")
            continue
        if given is None:
            return _of_localtime(roots, f"process {pid} has no TZ")
        return _named(given, f"TZ in the environment of process {pid}")
    if unreadable and (given := _of_unit(flavour, roots)) is not None:
        return _named(given, "; ".join([*unreadable, "TZ in its systemd unit"]))
    if flavour.name == "debian":
        default = roots.etc / "default" / "cron"
        given = _shell_variable(default, "TZ")
        if given is not None:
            return _named(given, "; ".join([*unreadable, f"TZ in {default}"]))
    return _of_localtime(roots, "; ".join(unreadable))


def _of_unit(flavour: Flavour, roots: Roots) -> str | None:
    """What systemd gives the daemon; who may not see the daemon's environment may ask for it. None: no TZ, no unit."""
    try:
        unit = (roots.proc / str(flavour.pids[0]) / "cgroup").read_text().strip().rpartition("/")[2]
    except OSError:
        return None
    if not unit.endswith(".service"):
        return None
    words = said("systemctl", "show", "--property=Environment", "--value", unit).split()
    return next((word.removeprefix("TZ=") for word in words if word.startswith("TZ=")), None)


def _of_localtime(roots: Roots, beside: str) -> DaemonZone:
    try:
        name = host.host_zone(roots.etc)
    except host.HostZoneError as error:
        raise DaemonZoneError(str(error)) from error
    return _named(name, "; ".join(part for part in (beside, str(roots.etc / "localtime")) if part))


def _named(given: str, why: str) -> DaemonZone:
    """`given` as libc understands TZ; a rule such as JST-9 has no name, an unknown name would silently be UTC."""
    text = given.removeprefix(":").removeprefix(ZONEINFO)
    if text in {"", "UTC0", "UTC", "GMT0"}:
        return DaemonZone(UTC, why)
    try:
        require_zone(text)
    except ValueError as error:
        raise DaemonZoneError(f"{why} is {given!r}: {error}") from error
    return DaemonZone(text, why)


def _environ(file: Path) -> dict[str, str]:
    pairs = (entry.partition(b"=") for entry in file.read_bytes().split(b"\0") if entry)
    return {name.decode(errors="replace"): value.decode(errors="replace") for name, _, value in pairs}


def _shell_variable(file: Path, name: str) -> str | None:
    """As the last assignment of a file of plain assignments has it (/etc/default/cron)."""
    found = None
    try:
        lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return None
    for line in lines:
        text = line.strip().removeprefix("export ").lstrip()
        if text.startswith(f"{name}="):
            try:
                words = shlex.split(text.partition("=")[2], comments=True)
            except ValueError:
                continue
            found = words[0] if words else ""
    return found
