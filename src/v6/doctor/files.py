"""Files: scripts that can run, folders that can be written, and whose everything is."""

import ast
import os
import stat
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from v6.doctor.answer import Answer, CannotTell, judged, unknown, well, wrong
from v6.doctor.patient import Patient

WRAPPER = "cron_wrapper.sh"
BASH_SECONDS = 20
MOST_LOOKED_AT = 50_000
"""Files and folders whose owner is asked; a lake has a few thousand."""
SECRET, OPEN_TO_WRITE = 0o077, 0o022


def scripts(patient: Patient) -> Answer:
    """Those of the schedule in force; without one, all that there are."""
    root = patient.paths.root
    try:
        wanted = sorted({task.script for task in patient.schedule.tasks.values()})
    except CannotTell:
        wanted = sorted(f"scripts/{path.name}" for path in patient.paths.scripts.glob("*.py"))
    if not wanted:
        return judged([f"{patient.paths.scripts} holds no script"], "")
    problems = [*_wrapper(patient.paths.scripts / WRAPPER)]
    problems += [problem for script in wanted for problem in _script(root / script)]
    return judged(problems, f"the gate and {len(wanted)} scripts")


def _wrapper(path: Path) -> Iterator[str]:
    yield from _executable(path)
    if path.is_file():
        done = subprocess.run(
            ["bash", "-n", str(path)], capture_output=True, text=True, timeout=BASH_SECONDS, check=False
        )
        if done.returncode:
            yield f"{path}: bash cannot parse it: {done.stderr.strip().splitlines()[0]}"


def _script(path: Path) -> Iterator[str]:
    yield from _executable(path)
    with suppress(OSError):
        try:
            ast.parse(path.read_bytes())
        except (SyntaxError, ValueError) as error:
            yield f"{path}: Python cannot parse it: {error}"


def _executable(path: Path) -> Iterator[str]:
    if not path.is_file():
        yield f"{path} does not exist"
    elif not path.stat().st_mode & stat.S_IXUSR or not os.access(path, os.X_OK):
        yield f"{path} cannot be executed (mode {_mode(path)}): chmod 755 {path}"


def permissions(patient: Patient) -> Answer:
    """Each problem with the command that ends it. Whoever else asks than the owner is no problem."""
    from v6.runner.ownership import user_name

    paths = patient.paths
    problems = [*_jobs_user(patient), *_foreign(patient)]
    for secret, wanted in ((paths.dotenv, "600"), (paths.production_config, "600"), (paths.var, "700")):
        if secret.exists() and secret.stat().st_mode & SECRET:
            problems.append(f"{secret} has mode {_mode(secret)}: chmod {wanted} {secret}")
    problems += [
        f"{place} can be changed by others (mode {_mode(place)}): chmod go-w {place}"
        for place in _programs(paths.root)
        if place.exists() and place.stat().st_mode & OPEN_TO_WRITE
    ]
    seen = f"all of it belongs to {_owner_name(patient)}, secrets and programs are closed to others"
    if problems or patient.own:
        return judged(problems, seen)
    me, owner = user_name(os.geteuid()), _owner_name(patient)
    return unknown(f"{seen}, as far as {me} can tell; whether {owner} can use it only {owner} can", patient.as_owner)


def _programs(root: Path) -> list[Path]:
    """What jobs run: who can write here runs anything as their user."""
    scripts = [root / "scripts" / WRAPPER, *sorted((root / "scripts").glob("*.py"))]
    return [root, root / "scripts", root / "src", root / "config", root / ".venv", *scripts]


def _jobs_user(patient: Patient) -> Iterator[str]:
    """The configured one is the user whose the installation is."""
    from v6.runner.ownership import user_name

    owner = patient.owner
    if owner is None:
        return
    with suppress(CannotTell):
        wanted = patient.config.settings.install.user
        if wanted and wanted != user_name(owner):
            yield f"install.user is {wanted}, but {patient.paths.var} belongs to {user_name(owner)}"


def _foreign(patient: Patient) -> Iterator[str]:
    """Files of another user than the one whose `var` is: they lock the jobs out."""
    from v6.runner.ownership import user_name

    owner = patient.owner
    if owner is None:
        return
    seen, foreign = 0, []
    for place in _own_places(patient):
        for path in _all(place):
            seen += 1
            if seen > MOST_LOOKED_AT:
                break
            with suppress(OSError):
                if path.lstat().st_uid != owner:
                    foreign.append(path)
    if foreign:
        name = user_name(foreign[0].lstat().st_uid)
        command = f"chown -R {user_name(owner)}: {' '.join(str(place) for place in _own_places(patient))}"
        yield f"{len(foreign)} files are not {user_name(owner)}'s, the first {foreign[0]} ({name}): sudo {command}"


def _own_places(patient: Patient) -> list[Path]:
    paths = patient.paths
    return [place for place in (paths.var, _logs(patient), paths.dotenv, paths.production_config) if place.exists()]


def _all(place: Path) -> Iterator[Path]:
    yield place
    for folder, folders, files in os.walk(place):
        yield from (Path(folder, name) for name in (*folders, *files))


def folders(patient: Patient) -> Answer:
    """There, and writable for us; on a read-only file system nobody's is."""
    logs = _logs(patient)
    wanted = [patient.paths.var, logs, *(logs / name for name in ("scheduler", "tasks", "cron"))]
    with suppress(CannotTell):
        lake = patient.config.settings.lake.root
        if "://" not in lake and (patient.paths.home / lake).exists():
            wanted.append(patient.paths.home / lake)
    problems = [problem for place in wanted if (problem := _closed(place, patient.own))]
    writing = " and can be written" if patient.own else "; whether they can be written only their owner can tell"
    return judged(problems, f"{len(wanted)} of them are there{writing}")


def _closed(place: Path, own: bool) -> str:
    if not place.is_dir():
        return f"{place} {'is no folder' if place.exists() else 'does not exist'}: mkdir -p {place}"
    if os.statvfs(place).f_flag & os.ST_RDONLY:
        return f"{place} is on a read-only file system"
    return "" if not own or os.access(place, os.W_OK | os.X_OK) else f"{place} cannot be written (mode {_mode(place)})"


def metrics(patient: Patient) -> Answer:
    """Where the file lies: V6 replaces it there, and node_exporter, another user, has to come that far."""
    textfile = patient.config.settings.metrics.textfile
    if not textfile:
        return well("metrics.textfile is empty: none are written")
    file = patient.paths.home / textfile
    folder = next(place for place in file.parents if place.is_dir())
    closed = [place for place in file.parents if place.is_dir() and not place.stat().st_mode & stat.S_IXOTH]
    shut = f"{file}: no other user comes through {closed[0]} (mode {_mode(closed[0])})" if closed else ""
    if file.is_relative_to(patient.paths.var):
        return well(shut or f"{file}: others can read it")
    if patient.own and not os.access(folder, os.W_OK | os.X_OK):
        owner = _owner_name(patient) if patient.owner is not None else "the user of the jobs"
        return wrong(f"{folder} cannot be written by {owner}: {file} cannot be replaced there")
    if shut:
        return wrong(f"{shut}, so node_exporter does not")
    if file.exists() and not file.stat().st_mode & stat.S_IROTH:
        return wrong(f"{file} cannot be read by others (mode {_mode(file)}): chmod 644 {file}")
    return well(f"{file}: others can read it")


def _logs(patient: Patient) -> Path:
    with suppress(CannotTell):
        return patient.paths.home / patient.config.scheduler.log_directory
    return patient.paths.home / "logs"


def _owner_name(patient: Patient) -> str:
    from v6.runner.ownership import user_name

    return "nobody yet: nothing has run here" if patient.owner is None else user_name(patient.owner)


def _mode(path: Path) -> str:
    return f"{stat.S_IMODE(path.stat().st_mode):o}"
