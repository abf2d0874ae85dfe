"""Where a host keeps what concerns cron; tests have hosts of their own."""

from pathlib import Path
from typing import NamedTuple

NAME = "v6-trading"
"""Of the file in /etc/cron.d: no dot, or Debian's cron would ignore it."""


class Roots(NamedTuple):
    etc: Path = Path("/etc")
    proc: Path = Path("/proc")
    spool: Path = Path("/var/spool/cron")
    kept: Path = Path("/var/lib/v6-trading")
    """What was installed before, and what was replaced: outside /etc/cron.d, where cronie would run it."""
    systemd: tuple[Path, ...] = (Path("/usr/lib/systemd"), Path("/lib/systemd"))
    sbin: tuple[Path, ...] = (Path("/usr/sbin"), Path("/sbin"))

    @property
    def cron_d(self) -> Path:
        return self.etc / "cron.d"

    @property
    def system_file(self) -> Path:
        return self.cron_d / NAME

    def crontab_of(self, user: str) -> Path:
        """A user's crontab: Debian's place, where its folder exists, else cronie's."""
        debian = self.spool / "crontabs"
        return (debian if debian.is_dir() else self.spool) / user


HOST = Roots()
