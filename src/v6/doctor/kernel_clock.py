"""Whether the host's clock is synchronised: the kernel's own word (adjtimex(2), nothing is set), else a time daemon's.

chrony and ntpd tell the kernel, chrony only with `rtcsync`; systemd-timesyncd leaves a file as well. A container or WSL
has the clock of the host around it, whose kernel's word says nothing there.
"""

import ctypes
import os
import subprocess
from pathlib import Path
from typing import NamedTuple

TIME_ERROR, STA_UNSYNC, STA_NANO = 5, 0x40, 0x2000
CHRONY_SECONDS = 5


class ClockState(NamedTuple):
    """`synchronised` None: nobody here knows."""

    synchronised: bool | None
    words: str


class _Timex(ctypes.Structure):
    """struct timex of <sys/timex.h>, as far as it is read."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_byte * 256),
    )


def state(host: Path = Path("/")) -> ClockState:
    try:
        status, microseconds = _kernel()
    except OSError as error:
        return ClockState(None, f"adjtimex: {error.strerror}")
    if not status & STA_UNSYNC:
        return ClockState(True, f"synchronised, at most {microseconds / 1000:.0f} ms off, says the kernel")
    unsynchronised = "the kernel calls the clock unsynchronised"
    if (host / "run/systemd/timesync/synchronized").exists():
        return ClockState(True, "synchronised by systemd-timesyncd")
    if (chrony := _chrony()) is not None:
        return ClockState(chrony, f"chrony says {'synchronised' if chrony else 'not synchronised'}")
    if around := _around(host):
        return ClockState(None, f"{unsynchronised}, but it is that of the host around this {around}: look there")
    return ClockState(False, f"{unsynchronised}, and no time daemon says otherwise")


def _kernel() -> tuple[int, int]:
    """(status bits, largest error in microseconds). Raises OSError."""
    read = _Timex()
    if ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.byref(read)) < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return read.status, read.maxerror


def _chrony() -> bool | None:
    """None: there is none to ask."""
    try:
        said = subprocess.run(
            ["chronyc", "-n", "-c", "tracking"], capture_output=True, text=True, timeout=CHRONY_SECONDS, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return not said.stdout.strip().endswith("Not synchronised")


def _around(host: Path) -> str:
    if (host / ".dockerenv").exists() or (host / "run/.containerenv").exists():
        return "container"
    if (host / "run/systemd/container").exists():
        return "container"
    version = host / "proc/version"
    return "WSL" if version.exists() and "microsoft" in version.read_text(encoding="utf-8").lower() else ""
