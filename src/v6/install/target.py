"""Where an installation goes: a file in /etc/cron.d, or the beginning of a user's own crontab."""

import os
import subprocess
import tempfile
from pathlib import Path
from typing import Protocol

from v6.cron.installed import Installed, crontab_text, installed
from v6.cron.roots import Roots
from v6.install import files
from v6.install.account import tools
from v6.install.refused import RefusedError
from v6.scheduler import crontab_mark

SECONDS = 60


class Target(Protocol):
    """`where` in words; `kept`: the folder for what was there before."""

    where: str
    kept: Path
    system: bool

    def found(self) -> Installed | None:
        """What is there of ours."""

    def foreign(self) -> str:
        """Words for what stands in the way and is not ours, else ''."""

    def whole(self, text: str) -> str:
        """The whole file with this installation in it."""

    def current(self) -> str:
        """The whole file as it is, '' without one."""

    def is_put(self, text: str) -> bool:
        """Whether it is there already, owner and mode included."""

    def put(self, text: str) -> None:
        """The installation, in the place of one that may be there."""

    def remove(self) -> bool:
        """Nothing of ours is left; whether there was anything."""


class SystemFile:
    """root:root 0644, alone in its file."""

    system = True

    def __init__(self, roots: Roots) -> None:
        self.roots = roots
        self.path = roots.system_file
        self.where = str(self.path)
        self.kept = roots.kept

    def found(self) -> Installed | None:
        return installed(True, self.roots) if self.path.is_file() and not self.path.is_symlink() else None

    def foreign(self) -> str:
        if self.path.is_symlink():
            return f"{self.path} is a link to {self.path.readlink()}"
        if self.path.is_dir():
            return f"{self.path} is a folder"
        text = self.current()
        marked = crontab_mark.find(text)
        if not text or (marked is not None and not marked.before.strip() and not marked.after.strip()):
            return ""
        if marked is not None:
            return f"{self.path} holds lines before or after V6's installation"
        return f"{self.path} is not V6's, or older: it lacks the line '# V6 installation'"

    def whole(self, text: str) -> str:
        return text

    def current(self) -> str:
        try:
            return self.path.read_text(encoding="utf-8", errors="surrogateescape")
        except (FileNotFoundError, IsADirectoryError):
            return ""

    def is_put(self, text: str) -> bool:
        return files.as_put(self.path, text) and not files.temporary(self.path).exists()

    def put(self, text: str) -> None:
        if self.path.is_symlink():
            self.path.unlink()
        files.put(self.path, text)

    def remove(self) -> bool:
        return files.remove(self.path)


class OwnCrontab:
    """Before the user's other lines, so that none of their variables (CRON_TZ, SHELL) reaches ours."""

    system = False

    def __init__(self, roots: Roots, user: str, kept: Path) -> None:
        self.roots = roots
        self.user = user
        self.where = f"the crontab of {user}"
        self.kept = kept

    def found(self) -> Installed | None:
        return installed(False, self.roots, self.user)

    def foreign(self) -> str:
        return ""  # its other lines are the user's, and stay

    def whole(self, text: str) -> str:
        current = self.current()
        marked = crontab_mark.find(current)
        return text + (current if marked is None else marked.before + marked.after)

    def current(self) -> str:
        return crontab_text(self.user, self.roots)

    def is_put(self, text: str) -> bool:
        return self.current() == self.whole(text)

    def put(self, text: str) -> None:
        self._write(self.whole(text))

    def remove(self) -> bool:
        if self.found() is None:
            return False
        left = self.whole("")
        if left.strip():
            self._write(left)
        else:
            self._crontab("-r")
        return True

    def _write(self, text: str) -> None:
        with tempfile.NamedTemporaryFile("w", prefix="v6-crontab-", encoding="utf-8", errors="surrogateescape") as file:
            file.write(text if text.endswith("\n") else f"{text}\n")
            file.flush()
            self._crontab(file.name)

    def _crontab(self, argument: str) -> None:
        done = subprocess.run(
            ["crontab", argument],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
            env={**tools(), "HOME": os.environ.get("HOME", "/")},
        )
        if done.returncode:
            raise RefusedError(f"crontab {argument}: {done.stderr.strip() or f'exit {done.returncode}'}")
