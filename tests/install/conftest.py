"""A small checkout to install: on a host of its own with a real cron daemon, or into folders of the test's."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

import real_cron
from real_cron import Host
from toy_checkout import STUB, TOY, VENV, ToyCheckout, wait_until
from v6.cron.roots import Roots
from v6.install.__main__ import main
from v6.paths import ROOT, Paths
from v6.rehearsal.stage import Quoted

QUIET = real_cron.new_york("2026-11-23 07:10")
"""An epoch minute in which no line of the toys fires."""
MORNING = real_cron.new_york("2026-11-23 09:35")


def toy(do: str = "succeed", **more: object) -> dict[str, object]:
    task = {"script": "scripts/toy.py", "args": ["--do", do], "description": f"A toy that would {do}"}
    return {**task, "frequency": "daily", "time": "09:35", "days": "every", "timeout_seconds": 30, **more}


def defaults() -> str:
    """The real default.yaml with three toys in the place of its tasks."""
    tree = yaml.safe_load((ROOT / "config" / "default.yaml").read_text(encoding="utf-8"))
    tree["scheduler"]["tasks"] = {"toy": toy(), "toy_often": toy("skip"), "toy_fatal": toy("fatal", time="16:30")}
    del tree["scheduler"]["tasks"]["toy_often"]["time"]
    tree["scheduler"]["tasks"]["toy_often"]["frequency"] = "hourly"
    tree["heartbeat"]["tasks"] = []
    return yaml.dump(tree, Dumper=Quoted, sort_keys=False)


def make_root(root: Path, copy: Callable[[Path, Path], object]) -> None:
    """A checkout whose only job is the toy; `copy` brings the packages."""
    for folder in ("config", "scripts", "src/v6/jobs"):
        (root / folder).mkdir(parents=True)
    (root / "config" / "default.yaml").write_text(defaults(), encoding="utf-8")
    for source in (ROOT / "src" / "v6").iterdir():
        if source.name not in {"jobs", "__pycache__"}:
            copy(source, root / "src" / "v6" / source.name)
    (root / "src" / "v6" / "jobs" / "__init__.py").touch()
    (root / "src" / "v6" / "jobs" / "toy.py").write_text(TOY)
    (root / "scripts" / "toy.py").write_text(STUB.format(name="toy"))
    for name in ("scripts/cron_wrapper.sh", "install_scheduler.sh"):
        shutil.copy(ROOT / name, root / name)
    (root / ".venv").symlink_to(VENV)


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target)
    else:
        shutil.copy(source, target)


def configure(home: Path, user: str, **more: object) -> None:
    (home / "config").mkdir(parents=True, exist_ok=True)
    text = yaml.dump({"install": {"user": user}, **more}, Dumper=Quoted)
    (home / "config" / "production.yaml").write_text(text)


# --- folders of the test's: cron's parser is real, nothing fires -----------------------------------------------------


IN_A_PROCESS = """
import sys
from pathlib import Path
from v6.cron.roots import Roots
from v6.install.__main__ import main
from v6.paths import Paths

host, root, home = map(Path, sys.argv[1:4])
roots = Roots(host / "etc", host / "proc", host / "spool", host / "kept", (host / "systemd",))
raise SystemExit(main(sys.argv[4:], roots, Paths(root, home)))
"""


@dataclass
class Desk:
    """The installer in this process; nothing of this host is in reach."""

    paths: Paths
    roots: Roots

    @property
    def file(self) -> Path:
        return self.roots.system_file

    def __call__(self, *words: str) -> int:
        return main(words, self.roots, self.paths)

    def entries(self) -> list[str]:
        return [line for line in self.file.read_text().splitlines() if re.match(r"[0-9*@]", line)]

    def killed_at(self, point: str, *words: str) -> int:
        """The installer in a process of its own, which dies there; its exit status."""
        given = [*map(str, (self.roots.etc.parent, self.paths.root, self.paths.home)), *words]
        environ = {**os.environ, "V6_FAILPOINT": point, "PYTHONPATH": str(ROOT / "src")}
        command = [sys.executable, "-c", IN_A_PROCESS, *given]
        return subprocess.run(command, env=environ, capture_output=True, timeout=60, check=False).returncode

    def snapshot(self) -> dict[str, tuple[float, int, int]]:
        """Every file there is, with its times, inode and mode."""
        found = {}
        for base in (self.roots.etc.parent, self.paths.home, self.paths.scripts):
            for path in sorted(base.rglob("*")):
                stat = path.lstat()
                found[str(path)] = (stat.st_mtime, stat.st_ino, stat.st_mode)
        return found


@pytest.fixture(scope="module")
def linked_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("desk") / "check out"
    make_root(root, lambda source, target: target.symlink_to(source))
    return root


@pytest.fixture
def desk(linked_root: Path, tmp_path: Path) -> Desk:
    if os.geteuid() != 0:
        pytest.skip("the system's installation needs root")
    if not real_cron.CRON.exists():
        pytest.skip(real_cron.NEEDED)
    host, home = tmp_path / "host", tmp_path / "site"
    roots = Roots(host / "etc", host / "proc", host / "spool", host / "kept", (host / "systemd",))
    for folder in (roots.cron_d, roots.etc / "logrotate.d", roots.proc, roots.spool / "crontabs"):
        folder.mkdir(parents=True)
    (roots.etc / "localtime").symlink_to("/usr/share/zoneinfo/Asia/Tokyo")
    (home / "var").mkdir(parents=True)
    configure(home, "root")
    return Desk(Paths(linked_root, home), roots)


# --- hosts of their own: cron is real too ----------------------------------------------------------------------------


@dataclass
class Site:
    """One installation on one host. Its state is the test's own; installer and cron are real."""

    host: Host
    checkout: ToyCheckout

    @property
    def file(self) -> Path:
        return self.host.cron_d / "v6-trading"

    @property
    def kept(self) -> Path:
        return self.host.folder / "lib" / "v6-trading"

    def command(self, *options: str) -> list[str]:
        return [str(self.checkout.root / "install_scheduler.sh"), *options]

    def installer(self, *options: str, **environ: str) -> "subprocess.CompletedProcess[str]":
        return self.host.run(*self.command(*options), V6_HOME=str(self.checkout.home), **environ)

    def start(self, *options: str) -> "subprocess.Popen[str]":
        """In the background, until it waits for cron."""
        process = subprocess.Popen(
            self.host._inside(*self.command(*options)),
            env={**os.environ, "V6_HOME": str(self.checkout.home)},
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        wait_until(lambda: process.poll() is not None or self.probing(), 60)
        return process

    def end(self, process: "subprocess.Popen[str]", number: int) -> None:
        """The installer itself: nsenter, which was started, has forked it."""
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        os.kill(int(children[0]), number)

    def probing(self) -> bool:
        return any("installer's proof" in text for text in self.crontabs())

    def crontabs(self) -> list[str]:
        """Of users; `crontab -n` keeps a copy of what it checks in the spool for a moment (tmp.*)."""
        personal = [path for path in self.host.spool.iterdir() if not path.name.startswith("tmp.")]
        return [path.read_text() for path in (self.file, *personal) if path.is_file()]

    def prove(self, *options: str) -> "subprocess.CompletedProcess[str]":
        """Install with the proof: the daemon's minute comes as soon as the installer waits for it."""
        with self.host.cron(QUIET):
            process = self.start(*options)
        with self.host.cron(QUIET + 600):
            said, _ = process.communicate(timeout=60)
        return subprocess.CompletedProcess(process.args, process.returncode, said, "")


REACHABLE = """
set -eu
hold=$(mktemp -d)
mount --rbind "$1" "$hold"
mount -t tmpfs -o mode=755 none "$2"
mkdir -p "$1"
mount --rbind "$hold" "$1"
"""


def let_everybody_reach_python(host: Host) -> None:
    """Where this suite's Python lies in somebody's home: on the test's own host anybody can run it."""
    base = Path(sys.base_prefix).resolve()
    blocked = [folder for folder in reversed(base.parents) if not folder.stat().st_mode & 0o001]
    if blocked:
        done = host.run("bash", "-c", REACHABLE, "bash", base, blocked[0])
        assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def checkout() -> Iterator[ToyCheckout]:
    """Compiled, in a place that any user can reach."""
    with tempfile.TemporaryDirectory(prefix="v6 install ") as name:
        base = Path(name)
        base.chmod(0o755)
        root, home = base / "root", base / "home"
        make_root(root, _copy)
        configure(home, "root")
        made = ToyCheckout(root, home)
        made.compile()
        yield made


@pytest.fixture
def site(checkout: ToyCheckout) -> Iterator[Callable[..., Site]]:
    """Makes a host in a zone, with a home of its own to install for a user."""
    with ExitStack() as stack:

        def make(zone: str, user: str = "root") -> Site:
            host = stack.enter_context(real_cron.host(zone))
            name = stack.enter_context(tempfile.TemporaryDirectory(prefix="v6 site "))
            home = Path(name) / "home"
            Path(name).chmod(0o755)
            shutil.copytree(checkout.home / "var", home / "var")
            configure(home, user)
            made = ToyCheckout(checkout.root, home)
            made.compile()
            return Site(host, made)

        yield make
