"""Who runs the jobs: the user named in the configuration, else the owner of the checkout."""

import os
import pwd
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from v6.config.load import Config
from v6.cron.programs import PATH
from v6.install.refused import RefusedError
from v6.paths import Paths
from v6.runner.ownership import user_name

ROOT_OWNS_IT = (
    "{root} belongs to root, and jobs should not run as root: name a user in {config} (install: {{user: v6}}) and run "
    "this again with --create-user, or give the checkout to a user (chown -R). install.user: root runs them as root."
)
SECONDS = 120


@dataclass(frozen=True, slots=True)
class Account:
    """`uid` is None for a user that is still to be created."""

    name: str
    uid: int | None
    gid: int | None


def find(name: str) -> Account:
    try:
        known = pwd.getpwnam(name)
    except KeyError:
        return Account(name, None, None)
    return Account(name, known.pw_uid, known.pw_gid)


def chosen(config: Config, paths: Paths, *, system: bool, create: bool) -> Account:
    """Raises RefusedError."""
    named = config.settings.install.user
    if not system:
        me = user_name(os.geteuid())
        if named and named != me:
            raise RefusedError(f"install.user is {named}, and --user installs for {me}: run it as {named}")
        if me == "root" and named != "root":
            raise RefusedError("--user as root would run the jobs as root: run it as the user who is to run them")
        return find(me)
    name = named or user_name(paths.root.stat().st_uid)
    if name == "root" and named != "root":
        raise RefusedError(ROOT_OWNS_IT.format(root=paths.root, config=paths.production_config))
    account = find(name)
    if account.uid is None and not create:
        raise RefusedError(f"the user {name} does not exist: run this with --create-user, or adduser {name}")
    return account


def create(account: Account, paths: Paths) -> Account:
    """A system user without a password, whose home is V6's: cron starts its jobs there."""
    command = [
        "useradd",
        "--system",
        "--user-group",
        "--no-create-home",
        "--no-log-init",
        "--shell",
        "/usr/sbin/nologin",
    ]
    command += ["--comment", "V6", "--home-dir", str(paths.home), account.name]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
    except OSError as error:
        raise RefusedError(f"useradd: {error}: create the user {account.name} by hand") from error
    if done.returncode:
        raise RefusedError(f"{' '.join(command)}: {done.stderr.strip()}")
    return find(account.name)


def run_as(
    account: Account, command: Sequence[str | Path], *, cwd: Path, **environ: str
) -> "subprocess.CompletedProcess[str]":
    """As that user, with the environment that cron would give. Whoever is not root is that user already."""
    switch = os.geteuid() == 0 and account.uid not in {0, None}
    groups = os.getgrouplist(account.name, account.gid) if switch and account.gid is not None else None
    return subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env={"PATH": "/usr/bin:/bin", "HOME": str(cwd), "LOGNAME": account.name, "SHELL": "/bin/sh", **environ},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=SECONDS,
        check=False,
        user=account.uid if switch else None,
        group=account.gid if switch else None,
        extra_groups=groups,
    )


def tools() -> dict[str, str]:
    """The environment of programs that the installer itself runs."""
    return {"PATH": PATH, "LC_ALL": "C"}
