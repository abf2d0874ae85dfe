"""A Windows computer on which TWS runs while V6 runs in its WSL: what the rendered files must know of it."""

import re
from dataclasses import dataclass

WINDOWS_PATH = re.compile(r"[A-Za-z]:(\\[A-Za-z0-9 ._()+-]+)+")
LINUX_PATH = re.compile(r"(/[A-Za-z0-9._+-]+)+")
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
LONGEST_PATH = 260  # pathType of the Task Scheduler's schema
PROGRAMS = (".exe", ".bat", ".cmd")


class WindowsHostError(ValueError):
    """`option: value: what is allowed`: neither cmd.exe nor wsl.exe would get it as it is meant."""


@dataclass(frozen=True)
class WindowsHost:
    """`zone`: of the Windows clock, by its IANA name. `folder`: where the rendered files will lie. `tws`: the program
    that starts TWS. `distro`, `user`: of WSL. `root`, `home`: of V6 there (V6_HOME). Raises WindowsHostError."""

    zone: str
    distro: str
    root: str
    home: str
    folder: str = r"C:\V6"
    tws: str = r"C:\Jts\tws.exe"
    user: str = ""
    port: int = 7497
    heap: str = "4096m"
    startup_seconds: int = 180

    def __post_init__(self) -> None:
        _require("--windows-folder", self.folder, WINDOWS_PATH, r"a path such as C:\V6: letters, digits, . _ - + ( )")
        _require("--tws", self.tws, WINDOWS_PATH, r"a path such as C:\Jts\tws.exe: letters, digits, . _ - + ( )")
        _require("--distro", self.distro, NAME, "a name as `wsl.exe --list` shows it")
        _require("--linux-path", self.root, LINUX_PATH, "an absolute path without blanks")
        _require("V6_HOME", self.home, LINUX_PATH, "an absolute path without blanks")
        if self.user:
            _require("--user", self.user, NAME, "a user of the distribution")
        if not self.tws.lower().endswith(PROGRAMS):
            raise WindowsHostError(f"--tws: {self.tws!r}: allowed: a name ending in {', '.join(PROGRAMS)}")

    @property
    def starts_the_program_itself(self) -> bool:
        """A batch file, such as IBC's, starts another program, whose path we do not know."""
        return self.tws.lower().endswith(".exe")


def _require(option: str, value: str, pattern: re.Pattern[str], allowed: str) -> None:
    if len(value) > LONGEST_PATH or not pattern.fullmatch(value):
        raise WindowsHostError(f"{option}: {value!r}: allowed: {allowed}")
