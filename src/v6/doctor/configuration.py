"""The configuration, what was compiled of it, and the calendar's horizon."""

from v6 import clock
from v6.doctor.answer import Answer, CannotTell, judged, of, well, wrong
from v6.doctor.patient import Patient

COMPILED_WITHIN = 20 * 60
"""Seconds; health_check's line calls the gate every 15 minutes."""


def configuration(patient: Patient) -> Answer:
    """As `v6 schedule check` looks at it, and as a process with this environment has it."""
    from v6.config.errors import ConfigError
    from v6.config.load import load
    from v6.scheduler.compile import check

    try:
        check(patient.paths)
        effective = load(patient.paths, patient.environ)
    except ConfigError as error:
        return judged(list(error.problems), "")
    own = [str(path) for path in (patient.paths.production_config, patient.paths.dotenv) if path.exists()]
    words = f"valid: default.yaml{''.join(f', {name}' for name in own)}"
    enabled = sum(1 for task in effective.scheduler.tasks.values() if task.enabled)
    notes = [f"{enabled} of {len(effective.scheduler.tasks)} tasks enabled", *effective.warnings]
    return well("; ".join([words, *notes]))


def schedule(patient: Patient) -> Answer:
    """What gate and jobs read. The gate mends all of this by itself, unless the configuration is refused."""
    from v6.scheduler import compiled

    paths = patient.paths
    if not paths.compiled.is_dir():
        return wrong(f"{paths.compiled} does not exist: nothing was ever compiled here")
    try:
        found = compiled.load(paths.compiled / "schedule.txt", dict(patient.environ))
    except (compiled.ScheduleError, ValueError, KeyError) as error:
        return wrong(f"{paths.compiled / 'schedule.txt'}: {error}")
    problems = [
        f"compiled for {key} {found.settings.get(key)}, this is {here}"
        for key, here in (("root", str(paths.root)), ("home", str(paths.home)))
        if found.settings.get(key) != here
    ]
    scripts = {task.script.rpartition("/")[2].removesuffix(".py") for task in found.tasks.values()}
    gate = paths.compiled / "gate"
    if lost := sorted(name for name in scripts if not (gate / f"{name}.txt").is_file()):
        problems.append(f"{gate} lacks {', '.join(lost)}")
    edited, pending = _edited(patient), ""
    refused = paths.compiled / "rejected" / "error.txt"
    if edited and refused.exists():
        words = " ".join(refused.read_text(encoding="utf-8", errors="replace").split())
        problems.append(f"the last good schedule is in force, a later edit was refused: {words}")
    elif edited:
        pending = f"made before {', '.join(edited)} was edited, the gate makes it anew at its next call"
        if max(edited.values()) < clock.epoch() - COMPILED_WITHIN:
            problems.append(f"{pending}, and has not since {COMPILED_WITHIN / 60:.0f} min")
    words = f"{len(found.tasks)} tasks, {len(found.windows)} restart windows"
    return judged(problems, f"{words}, {pending or 'up to date'}")


def _edited(patient: Patient) -> dict[str, float]:
    """The files that are not those it was made from, with the time of their last change."""
    from v6.config.sources import read_sources

    copies = patient.paths.compiled / "sources"
    found = {}
    for name, source in read_sources(patient.paths).items():
        copy = copies / name
        if source.content != (copy.read_bytes() if copy.exists() else None):
            found[source.label] = source.path.stat().st_mtime if source.path.exists() else clock.epoch()
    return found


def calendar(patient: Patient) -> Answer:
    from v6.scheduler.nyse_calendar import CalendarError, NYSECalendar

    try:
        whole = NYSECalendar(patient.paths.compiled / "calendar.txt")
        session = whole.session(clock.now().date())
    except (CalendarError, UnicodeDecodeError) as error:
        return wrong(str(error))
    today = f"today {session.open:%H:%M}-{session.close:%H:%M}" if session else "no session today"
    try:
        from v6.checks import host

        horizon = of(host.calendar_horizon(patient.context))
    except (CannotTell, ImportError):
        return well(f"covers {whole.covers[0]} to {whole.covers[1]}, {today}")
    return Answer(horizon.state, f"{horizon.evidence}, {today}", horizon.cure)
