"""A host of a test's own on which Debian's real cron daemon works: private /etc, /var/lib, /run, /dev and more.

The host's own cron, zone and folders are out of reach (`unshare`: mounts and processes of its own). The daemon's clock
is libfaketime's, so that it can be started seconds before the minute that a test is about; its jobs inherit nothing of
that and get V6_CLOCK_OFFSET from the host's /etc/environment: the installed file stays the product's, to the byte.
What the daemon tells syslog arrives in `said()`: a socket is bound at the host's /dev/log.
"""

import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import pytest

from toy_checkout import wait_until
from v6.clock import NEW_YORK

CRON = Path("/usr/sbin/cron")
FAKETIME = sorted(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))
NEEDED = "cron, faketime and unshare are needed: dev/setup.sh --for-tests"
EVERY_EVENT = "15"
"""Of cron's log: starts, ends and failures of jobs, with their process ids."""

STARTED = re.compile(r" CMD \((?:\[[0-9]+\] )?(.*)\)\s*$")

MAKE_HOST = """
set -eu
cd "$1"
for device in null zero full random urandom tty; do : >"dev/$device" && mount --bind "/dev/$device" "dev/$device"; done
ln -s /proc/self/fd dev/fd
mount --rbind dev /dev
mount --bind etc /etc
mount --bind run /run
mount --bind spool /var/spool/cron
mount --bind lib /var/lib
echo ready
while sleep 3600; do :; done # the first process: bash reaps what others leave behind
"""


def require() -> None:
    """Fails where a program is missing; skips where namespaces are not allowed."""
    if not CRON.exists() or not FAKETIME or not shutil.which("unshare"):
        pytest.fail(NEEDED)
    tried = subprocess.run(["unshare", "-mpf", "true"], capture_output=True, text=True, timeout=20, check=False)
    if tried.returncode != 0:
        pytest.skip(f"real cron needs mounts of its own, which only root can make: {tried.stderr.strip()}")


def new_york(text: str) -> float:
    """Epoch seconds of a New York wall time, `2026-11-23 09:35`."""
    return datetime.fromisoformat(text).replace(tzinfo=NEW_YORK).timestamp()


@dataclass
class Host:
    """`folder` holds its /etc, /run, /dev and /var/spool/cron, also to be read and written from outside."""

    folder: Path
    init: int
    """Process id of its first process, from outside."""
    log: list[str]
    clock: dict[str, str] = field(default_factory=dict)
    """Environment of the clock that the daemon and its jobs have (or had last): also for commands run beside them."""

    @property
    def etc(self) -> Path:
        return self.folder / "etc"

    @property
    def cron_d(self) -> Path:
        return self.folder / "etc" / "cron.d"

    @property
    def spool(self) -> Path:
        """/var/spool/cron/crontabs."""
        return self.folder / "spool" / "crontabs"

    def set_zone(self, zone: str) -> None:
        link = self.etc / "localtime"
        link.unlink(missing_ok=True)
        link.symlink_to(f"/usr/share/zoneinfo/{zone}")
        (self.etc / "timezone").write_text(f"{zone}\n")

    def install(self, name: str, text: str, mode: int = 0o644) -> Path:
        """Into /etc/cron.d as an installer must: a name with a leading dot first, then renamed."""
        new = self.cron_d / f".{name}"
        new.write_text(text)
        new.chmod(mode)
        return new.rename(self.cron_d / name)

    def job_environment(self, **environ: str) -> None:
        """What every job of the host gets besides cron's own HOME, LOGNAME, PATH and SHELL, through PAM."""
        (self.etc / "environment").write_text("".join(f'{name}="{value}"\n' for name, value in environ.items()))

    def run(self, *command: str | Path, timeout: float = 120, **environ: str) -> "subprocess.CompletedProcess[str]":
        """A command on the host, with the test's environment and `environ`."""
        return subprocess.run(
            self._inside(*map(str, command)),
            env={**os.environ, **environ},
            cwd="/",
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    @contextmanager
    def cron(self, minute: float, *, tz: str = "", **job: str) -> Iterator[None]:
        """The daemon, started when its clock reads two seconds before the minute that begins at epoch `minute`; jobs
        get the same clock, and `job` as environment. `tz`: the daemon's own TZ, as /etc/default/cron may set it."""
        for seconds in (2, 5, 20):  # on a slow machine the minute may have begun before the daemon looks
            offset = int(minute) - int(time.time()) - seconds  # whole seconds: both clocks agree
            with self._daemon(offset, tz, job):
                if time.time() + offset < minute:
                    yield
                    return
        raise AssertionError("the daemon did not start in 20 s")

    @contextmanager
    def _daemon(self, offset: int, tz: str, job: dict[str, str]) -> Iterator[None]:
        self.clock = {"V6_CLOCK_OFFSET": str(offset)}
        self.job_environment(**self.clock, **job)
        environ = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LD_PRELOAD": str(FAKETIME[0]), "NO_FAKE_STAT": "1"}
        environ |= {"FAKETIME": f"{offset:+d}"} | ({"TZ": tz} if tz else {})
        starts = sum("@reboot jobs" in line for line in self.said())
        command = self._inside(str(CRON), "-f", "-L", EVERY_EVENT)
        daemon = subprocess.Popen(command, env=environ, cwd="/", stdin=subprocess.DEVNULL)
        try:
            self.wait_for("@reboot jobs", count=starts + 1)  # then it has read its clock
            yield
        finally:
            # nsenter waits for the daemon that it forked, and stops and goes on with it; that one has a pid file
            self.run("bash", "-c", "kill -TERM $(</run/crond.pid) && rm -f /run/crond.pid")
            daemon.send_signal(signal.SIGCONT)
            daemon.wait(timeout=20)

    def hold_cron(self) -> None:
        """The daemon hangs: it is there and fires nothing, until its end."""
        assert self.run("bash", "-c", "kill -STOP $(</run/crond.pid)").returncode == 0

    def boot(self) -> None:
        """The next daemon takes its start for that of the host, and runs the @reboot lines."""
        (self.folder / "run" / "crond.reboot").unlink(missing_ok=True)

    def said(self) -> list[str]:
        """Every line that the daemon has told syslog so far."""
        return list(self.log)

    def wait_for(self, words: str, seconds: float = 20.0, count: int = 1) -> None:
        """Wait until the daemon has said these words `count` times since the harness was made."""
        wait_until(lambda: sum(words in line for line in self.said()) >= count, seconds)

    def started(self) -> list[str]:
        """Commands that the daemon has started, as `said()` tells them."""
        found = [STARTED.search(line) for line in self.said()]
        return [match[1] for match in found if match]

    def at_work(self) -> list[str]:
        """Commands on the host besides its first process and the daemon: jobs, and what they have left behind."""
        found = [line.split(None, 1) for line in self.run("ps", "-eo", "pid=,args=").stdout.splitlines()]
        ours = (str(CRON), "sleep 3600", "ps -eo")
        return [words for pid, words in found if pid != "1" and not words.startswith(ours)]

    def wait_for_jobs(self, seconds: float = 60.0) -> None:
        until = time.monotonic() + seconds
        while left := self.at_work():
            assert time.monotonic() < until, f"still at work: {left}"
            time.sleep(0.1)

    def _inside(self, *command: str) -> list[str]:
        return ["nsenter", f"--mount=/proc/{self.init}/ns/mnt", f"--pid=/proc/{self.init}/ns/pid", "--", *command]


@contextmanager
def host(zone: str) -> Iterator[Host]:
    """A host in that zone, its /etc a copy with nothing in cron.d; it ends with all its processes."""
    require()
    with tempfile.TemporaryDirectory(prefix="host-") as name:
        folder = Path(name)
        _furnish(folder)
        log: list[str] = []
        syslog = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        syslog.bind(str(folder / "dev" / "log"))
        (folder / "dev" / "log").chmod(0o666)
        reader = threading.Thread(target=_read, args=(syslog, log), daemon=True)
        reader.start()
        command = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--propagation", "private"]
        outer = subprocess.Popen(
            [*command, "bash", "-c", MAKE_HOST, "host", name], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL
        )
        assert outer.stdout is not None
        try:
            assert outer.stdout.readline() == b"ready\n", "the private host could not be made"
            inner = int(Path(f"/proc/{outer.pid}/task/{outer.pid}/children").read_text().split()[0])
            made = Host(folder, inner, log)
            made.set_zone(zone)
            yield made
        finally:
            outer.send_signal(signal.SIGKILL)
            outer.wait(timeout=20)
            outer.stdout.close()
            syslog.shutdown(socket.SHUT_RD)
            reader.join(timeout=20)
            syslog.close()


def _read(syslog: socket.socket, log: list[str]) -> None:
    """All the time: ten lines that nobody reads would hold the daemon up."""
    while words := syslog.recv(8192):
        log.append(words.decode(errors="replace"))


def _furnish(folder: Path) -> None:
    shutil.copytree("/etc", folder / "etc", symlinks=True)
    for place in ("cron.d", "cron.hourly", "cron.daily", "cron.weekly", "cron.monthly", "logrotate.d"):
        shutil.rmtree(folder / "etc" / place, ignore_errors=True)
        (folder / "etc" / place).mkdir(mode=0o755)
    (folder / "etc" / "crontab").write_text("# of the test's own host\n")
    for place in ("default/cron", "systemd/system/v6-trading.service"):
        (folder / "etc" / place).unlink(missing_ok=True)
    for place in ("run/lock", "dev/shm", "spool/crontabs", "lib"):
        (folder / place).mkdir(parents=True)
    (folder / "dev" / "shm").chmod(0o1777)
    (folder / "spool" / "crontabs").chmod(0o1730)
    shutil.chown(folder / "spool" / "crontabs", "root", "crontab")
