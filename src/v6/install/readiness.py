"""Whether what the lines would start is whole, and whether its user can start it. Changes nothing."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

from v6.config.load import Config
from v6.install.account import Account, find, run_as, tools
from v6.paths import Paths
from v6.runner.ownership import user_name

WRAPPER = "scripts/cron_wrapper.sh"
LIGHT = "import v6.runner.supervise"
REACHABLE = 'for place; do [ -r "$place" ] || { echo "cannot read $place"; exit 1; }; done'


def problems(config: Config, paths: Paths, account: Account) -> list[str]:
    """What is wrong with scripts and interpreter, and what the user cannot reach of them."""
    found = [*_scripts(config, paths), *_interpreter(paths)]
    return found or list(_reachable(paths, account))


def _scripts(config: Config, paths: Paths) -> Iterator[str]:
    wrapper = paths.root / WRAPPER
    done = subprocess.run(
        ["bash", "-n", str(wrapper)], capture_output=True, text=True, timeout=60, check=False, env=tools()
    )
    if done.returncode:
        yield f"{wrapper}: {done.stderr.strip() or 'bash does not read it'}"
    for script in sorted({task.script for task in config.scheduler.tasks.values()}):
        stub = paths.root / script
        job = paths.root / "src" / "v6" / "jobs" / stub.name
        for file in (stub, job):
            yield from _python(file)


def _python(file: Path) -> Iterator[str]:
    try:
        compile(file.read_bytes(), str(file), "exec", dont_inherit=True)
    except OSError as error:
        yield f"{file}: {error.strerror}"
    except (SyntaxError, ValueError) as error:
        yield f"{file}: Python does not read it: {error}"


def _interpreter(paths: Paths) -> Iterator[str]:
    python = paths.root / ".venv" / "bin" / "python"
    if not python.exists():
        yield f"{python}: no interpreter: run make setup in {paths.root}"


def _reachable(paths: Paths, account: Account) -> Iterator[str]:
    if account.uid is None:
        return
    python = paths.root / ".venv" / "bin" / "python"
    places = [paths.root / WRAPPER, paths.default_config, python]
    commands: list[list[str | Path]] = [["sh", "-c", REACHABLE, "sh", *places], [python, "-B", "-S", "-c", LIGHT]]
    for command in commands:
        try:
            done = run_as(account, command, cwd=Path("/"), PYTHONPATH=str(paths.root / "src"))
            said = " ".join(f"{done.stdout} {done.stderr}".split()) if done.returncode else ""
        except (OSError, subprocess.TimeoutExpired) as error:
            said = str(error)
        if said:
            yield (
                f"as {account.name}: {said}: every folder above {paths.root}, and the Python that .venv was made with, "
                f"must be readable by {account.name} (or keep V6 in a place like /opt/v6, and set install.user)"
            )
            return


def compile_modules(paths: Paths, account: Account) -> None:
    """Where the user may not write beside the modules, each run would compile them anew: their owner does it once."""
    source = paths.root / "src"
    owner = source.stat().st_uid
    if owner != account.uid:
        python = paths.root / ".venv" / "bin" / "python"
        run_as(find(user_name(owner)), [python, "-m", "compileall", "-q", source], cwd=Path("/"))
