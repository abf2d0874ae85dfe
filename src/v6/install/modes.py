"""Owners and modes of what V6 keeps: scripts 755, its configuration and .env 600, var 700, all state one user's.

What belongs to a user is changed as that user, never as root: a link planted there could lead root anywhere.
"""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from v6.config.load import Config
from v6.cron.probe import FILE
from v6.install.account import Account, find, run_as
from v6.install.refused import RefusedError
from v6.paths import Paths
from v6.runner.ownership import user_name


@dataclass(frozen=True, slots=True)
class Change:
    """`mode` None: only the owner changes; `owner` None: only the mode does. `make`: the folder is still to be made."""

    path: Path
    mode: int | None = None
    owner: Account | None = None
    make: bool = False

    def __str__(self) -> str:
        if self.make:
            return f"make {self.path}"
        if self.owner is not None:
            return f"give {self.path} to {self.owner.name}"
        return f"mode {self.mode:o} for {self.path}"


def due(config: Config, paths: Paths, account: Account, *, system: bool, take_over: bool) -> list[Change]:
    """What is not yet as it should be. Raises RefusedError for state that belongs to somebody else."""
    files = [paths.production_config, paths.dotenv]
    trees = [paths.var, _logs(config, paths), *_lake(config, paths)]
    changes = list(_ownership([*trees, *files], account, system=system, take_over=take_over))
    folders = [
        paths.var,
        (paths.home / FILE).parent,
        _logs(config, paths),
        _logs(config, paths) / "cron",
        *_lake(config, paths),
    ]
    changes += [
        Change(folder, 0o700 if folder == paths.var else 0o755, account, True)
        for folder in folders
        if not folder.is_dir()
    ]
    wanted = [(script, 0o755) for script in _scripts(paths)] + [(file, 0o600) for file in files] + [(paths.var, 0o700)]
    changes += [Change(path, mode) for path, mode in wanted if _mode(path) not in {None, mode}]
    return changes


def carry_out(changes: list[Change]) -> None:
    for change in changes:
        if change.make and change.owner is not None:
            _make(change.path, change.mode or 0o755, change.owner)
        elif change.owner is not None:
            _give(change.path, change.owner)
        elif change.mode is not None:
            _as_its_owner(change.path, f"{change.mode:o}")


def _ownership(places: list[Path], account: Account, *, system: bool, take_over: bool) -> Iterator[Change]:
    for place in places:
        try:
            uid = place.lstat().st_uid
        except FileNotFoundError:
            continue
        if uid == account.uid:
            continue
        if not system:
            raise RefusedError(f"{place} belongs to {user_name(uid)}, and --user installs for {account.name}")
        if uid != 0 and not take_over:
            raise RefusedError(
                f"{place} belongs to {user_name(uid)}, and the jobs are to run as {account.name}: --take-over gives it "
                f"to {account.name}; or set install.user to {user_name(uid)}"
            )
        yield Change(place, owner=account)


def _scripts(paths: Paths) -> Iterator[Path]:
    for pattern in ("*.py", "*.sh"):
        yield from sorted(paths.scripts.glob(pattern))


def _logs(config: Config, paths: Paths) -> Path:
    return paths.home / config.scheduler.log_directory


def _lake(config: Config, paths: Paths) -> list[Path]:
    """A local lake that is not below var."""
    if "://" in config.settings.lake.root:
        return []
    lake = paths.home / config.settings.lake.root
    return [] if lake.is_relative_to(paths.var) else [lake]


def _mode(path: Path) -> int | None:
    """None for what is not there, and for a link: what it leads to is not ours to change."""
    try:
        found = path.lstat()
    except FileNotFoundError:
        return None
    return None if stat.S_ISLNK(found.st_mode) else stat.S_IMODE(found.st_mode)


def _make(folder: Path, mode: int, owner: Account) -> None:
    parent = folder.parent
    while not parent.exists():
        parent = parent.parent
    holder = find(user_name(parent.stat().st_uid))
    if holder.uid == owner.uid:
        _checked(owner, ["mkdir", "-p", "-m", f"{mode:o}", "--", folder])
        return
    folder.mkdir(mode=mode, parents=True, exist_ok=True)
    folder.chmod(mode)
    if owner.uid is not None and owner.gid is not None:
        os.chown(folder, owner.uid, owner.gid, follow_symlinks=False)


def _give(place: Path, owner: Account) -> None:
    """The place and all below it that belongs to whom it belongs to. Hard links are left: they may lead elsewhere."""
    assert owner.uid is not None
    assert owner.gid is not None
    before = place.lstat()
    if stat.S_ISDIR(before.st_mode):
        for _, folders, names, at in os.fwalk(place, follow_symlinks=False):
            for name in (*folders, *names):
                found = os.stat(name, dir_fd=at, follow_symlinks=False)
                if found.st_uid == before.st_uid and (stat.S_ISDIR(found.st_mode) or found.st_nlink == 1):
                    os.chown(name, owner.uid, owner.gid, dir_fd=at, follow_symlinks=False)
    os.chown(place, owner.uid, owner.gid, follow_symlinks=False)


def _as_its_owner(path: Path, mode: str) -> None:
    _checked(find(user_name(path.lstat().st_uid)), ["chmod", mode, "--", path])


def _checked(account: Account, command: list[str | Path]) -> None:
    done = run_as(account, command, cwd=Path("/"))
    if done.returncode:
        raise RefusedError(f"{' '.join(map(str, command))}, as {account.name}: {done.stderr.strip()}")
