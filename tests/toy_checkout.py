"""A whole checkout of a test's own: the real gate, supervisor and edge around toy jobs, whose work is easy to see."""

import os
import shutil
import sqlite3
import subprocess
import sys
import textwrap
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from v6.journal import database, runs
from v6.journal.runs import Run
from v6.paths import Paths
from v6.scheduler.compile import compile_all

ROOT = Path(__file__).resolve().parents[1]
VENV = Path(sys.prefix)

TOY = '''
"""A toy: what it does is its argument."""

import os
import subprocess
import sys
import time
from pathlib import Path

from v6.model import FatalError, RecoverableError, SkipRun
from v6.runner.context import Argument, Context
from v6.runner.told import ToldError

ARGUMENTS = (
    Argument("--do", default="succeed"),
    Argument("--seconds", type=float, default=60.0),
    Argument("--reason", default="restart_degraded"),
)
WRITES = True
SLEEPER = "import time; time.sleep(60)"


def toy(ctx: Context) -> str:
    mark = ctx.paths.home / f"mark-{ctx.task}"
    with mark.open("a") as file:
        file.write(f"{os.getpid()} attempt {ctx.attempt} slot {ctx.slot}\\n")
    match ctx.args.do:
        case "recoverable":
            raise RecoverableError("TWS is away")
        case "mend" if ctx.attempt < 3:
            raise RecoverableError("not yet")
        case "told":
            raise ToldError(ctx.args.reason, "the job has told it", recoverable=True)
        case "fatal":
            raise FatalError("wrong configuration")
        case "uncaught":
            return {}["missing"]
        case "import_error":
            import v6.no_such_module
        case "no_summary":
            return ""
        case "skip":
            raise SkipRun("no_input", "nothing collected yet")
        case "covered":
            raise SkipRun("covered_by_session", "the market session did")
        case "exit_0":
            sys.stdout.flush()
            os._exit(0)
        case "exit_1":
            os._exit(1)
        case "sleep":
            ctx.sleep(ctx.args.seconds)
            time.sleep(ctx.args.seconds)
        case "tidy":
            try:
                time.sleep(60)
            finally:
                mark.with_name(f"tidied-{ctx.task}").touch()
        case "stubborn":
            import signal
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            child = subprocess.Popen([sys.executable, "-c", SLEEPER])
            mark.with_name(f"child-{ctx.task}").write_text(str(child.pid))
            time.sleep(60)
        case "grandchild":
            child = subprocess.Popen([sys.executable, "-c", SLEEPER], close_fds=False)
            mark.with_name(f"child-{ctx.task}").write_text(str(child.pid))
        case "setsid":
            child = subprocess.Popen([sys.executable, "-c", SLEEPER], close_fds=False, start_new_session=True)
            mark.with_name(f"child-{ctx.task}").write_text(str(child.pid))
            time.sleep(60)
        case "memory":
            block = bytearray(64 << 20)
            until = time.process_time() + 0.3
            while time.process_time() < until:
                block[0] += 1 if block[0] < 9 else -9
        case "print":
            os.write(1, b"words on stdout\\n")
    return f"did {ctx.args.do}"
'''
STUB = '''#!/usr/bin/env python3
"""A toy."""

from v6.runner.main import main

if __name__ == "__main__":
    main("{name}")
'''
BEHAVIOURS = [
    "succeed",
    "recoverable",
    "told",
    "mend",
    "fatal",
    "uncaught",
    "import_error",
    "no_summary",
    "skip",
    "exit_0",
    "exit_1",
    "sleep",
    "tidy",
    "stubborn",
    "grandchild",
    "setsid",
    "memory",
    "print",
]


def _task(do: str, **more: object) -> dict[str, object]:
    return {
        "script": "scripts/toy.py",
        "args": ["--do", do],
        "description": f"A toy that does {do}",
        "frequency": "5min",
        "days": "every",
        "timeout_seconds": 30,
        "max_retries": 2,
        "backoff_seconds": 0.1,
        "deadline_seconds": 300,
        **more,
    }


def toy_tasks() -> dict[str, object]:
    tasks: dict[str, object] = {f"toy_{do}": _task(do) for do in BEHAVIOURS}
    for do, limit in (("sleep", 4), ("stubborn", 8), ("setsid", 8)):  # two of them have something to do before
        tasks[f"toy_{do}_limited"] = _task(
            do, args=["--do", do, "--seconds", "50"], timeout_seconds=limit, max_retries=0
        )
    tasks["toy_short_deadline"] = _task(
        "recoverable", args=["--do", "recoverable", "--seconds", "1"], deadline_seconds=4
    )
    tasks["toy_dependent"] = _task("succeed", args=["--seconds", "1"], depends_on=["toy_print"], deadline_seconds=3)
    tasks["toy_after_fatal"] = _task("succeed", args=["--seconds", "2"], depends_on=["toy_fatal"])
    at_eleven = {"frequency": "daily", "time": "11:00", "deadline_seconds": None, "must_finish_by": "12:00"}
    tasks["toy_by_noon"] = _task("succeed", args=["--seconds", "3"], **at_eleven)
    tasks["toy_sleep_by_noon"] = _task("sleep", args=["--do", "sleep", "--seconds", "49"], **at_eleven)
    tasks["toy_early_by_noon"] = _task("succeed", args=["--seconds", "4"], **{**at_eleven, "deadline_seconds": 600})
    tasks["toy_once"] = _task(
        "recoverable", args=["--do", "recoverable", "--seconds", "2"], max_retries=0, idempotent=False
    )
    for number, needed in enumerate(("first", "yesterday", "never", "off")):
        tasks[f"toy_{needed}"] = _task("succeed", args=["--seconds", f"{number + 5}"], enabled=needed != "off")
        tasks[f"toy_after_{needed}"] = _task(
            "succeed", args=["--seconds", f"{number + 10}"], depends_on=[f"toy_{needed}"]
        )
    for broken in ("toy_no_import", "toy_no_syntax"):
        tasks[broken] = {**_task(""), "script": f"scripts/{broken}.py", "args": []}
    return tasks


@dataclass
class ToyCheckout:
    """Root and home of a compiled checkout whose tasks are toys."""

    root: Path
    home: Path

    @property
    def wrapper(self) -> Path:
        return self.root / "scripts" / "cron_wrapper.sh"

    @property
    def log(self) -> Path:
        return self.home / "logs" / "scheduler" / "cron_wrapper.log"

    def environ(self, **more: str) -> dict[str, str]:
        """What cron gives, and this home."""
        return {"PATH": "/usr/bin:/bin", "V6_HOME": str(self.home), **more}

    def gate(self, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(self.wrapper), *arguments],
            env=self.environ(**environ),
            cwd="/",
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def run(self, task: str, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
        """The supervisor around a toy, as the gate would start it; `arguments` instead of the task's own."""
        process = self.start(task, *arguments, **environ)
        out, err = process.communicate(timeout=60)
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    def start(self, task: str, *arguments: str, **environ: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-S", "-m", "v6.runner.supervise", task, *(arguments or self._arguments(task))]
        env = self.environ(PYTHONPATH=str(self.root / "src"), **environ)
        return subprocess.Popen(command, env=env, cwd="/", stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def compile(self) -> None:
        """In this process: a start of its own would take most of a test's time."""
        done = compile_all(Paths(self.root, self.home))
        assert done.error == "", done.error

    def journal(self) -> sqlite3.Connection:
        return database.connect(self.home / "var" / "v6.db")

    def runs_of(self, task: str) -> list[Run]:
        """Oldest first."""
        db = self.journal()
        try:
            return runs.recent(db, task, 100)[::-1]
        finally:
            db.close()

    def marks(self, task: str) -> list[str]:
        """One line for every attempt that reached the job."""
        place = self.home / f"mark-{task}"
        return place.read_text().splitlines() if place.exists() else []

    def await_mark(self, task: str, count: int = 1) -> int:
        """Wait until the job works; its process id."""
        wait_until(lambda: len(self.marks(task)) >= count)
        return int(self.marks(task)[-1].split()[0])

    def day_log(self, task: str) -> str:
        return "".join(path.read_text() for path in sorted((self.home / "logs" / "tasks").glob(f"{task}-2*.log")))

    def configure(self, text: str) -> None:
        (self.home / "config" / "production.yaml").write_text(text)

    def with_home(self, home: Path) -> "ToyCheckout":
        """The same code and configuration, compiled for another home: its state is the test's own."""
        other = ToyCheckout(self.root, home)
        (home / "config").mkdir(parents=True)
        (home / "var" / "compiled").mkdir(parents=True)
        for kept in ("config/production.yaml", "var/compiled/calendar.txt", "var/compiled/futures_calendar.txt"):
            shutil.copy(self.home / kept, home / kept)
        other.compile()
        return other

    def _arguments(self, task: str) -> list[str]:
        return list(_tasks_of((self.home / "config" / "production.yaml").read_text())[task].get("args", []))


def make(base: Path, root: str = "check out", configuration: str | None = None) -> ToyCheckout:
    """Build and compile it; the path has a space, as a user's may."""
    configuration = configuration or yaml.safe_dump({"scheduler": {"tasks": toy_tasks()}})
    checkout = ToyCheckout(base / root, base / "home")
    shutil.copytree(ROOT / "src", checkout.root / "src", ignore=shutil.ignore_patterns("*.egg-info"))
    shutil.copytree(ROOT / "config", checkout.root / "config", ignore=shutil.ignore_patterns("production.yaml"))
    scripts = checkout.root / "scripts"
    shutil.copytree(ROOT / "scripts", scripts)
    (checkout.root / ".venv").symlink_to(VENV)
    for name in ("toy", "toy_no_import", "toy_no_syntax"):
        (scripts / f"{name}.py").write_text(STUB.format(name=name))
    jobs = checkout.root / "src" / "v6" / "jobs"
    (jobs / "toy.py").write_text(TOY)
    (jobs / "toy_no_import.py").write_text("import v6.no_such_module\n")
    (jobs / "toy_no_syntax.py").write_text("def toy_no_syntax(ctx:\n")
    (checkout.home / "config").mkdir(parents=True)
    for task in (_tasks_of((ROOT / "config" / "default.yaml").read_text()) | _tasks_of(configuration)).values():
        script = checkout.root / task["script"]
        if not script.exists():
            script.write_text(STUB.format(name=script.stem))
    checkout.configure(configuration)
    checkout.compile()
    return checkout


def _tasks_of(text: str) -> dict[str, Any]:
    return dict(yaml.safe_load(text)["scheduler"]["tasks"])


def wait_until(condition: object, seconds: float = 20.0) -> None:
    """Poll for something another process does."""
    assert callable(condition)
    until = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > until:
            raise AssertionError("it did not happen in time")
        time.sleep(0.02)


def alive(pid: int) -> bool:
    """Whether the process exists and is not a zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def dedent(text: str) -> str:
    return textwrap.dedent(text).lstrip()


def kill(pid: int, number: int) -> None:
    if alive(pid):
        os.kill(pid, number)
