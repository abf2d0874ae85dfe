"""The effective configuration and where each value comes from.

Later wins: config/default.yaml < config/production.yaml (or $V6_CONFIG) < .env < environment.
"""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from v6.config import alert_rules, dotenv, environment, restart_rules, schedule_rules
from v6.config.errors import ConfigError
from v6.config.scheduler_config import Scheduler
from v6.config.settings import Settings
from v6.config.sources import Sources, read_sources
from v6.config.yaml_file import Value, parse
from v6.paths import Paths

Tree = dict[str, Value]
SCHEDULER = "scheduler"
MERGED_BELOW = (SCHEDULER, f"{SCHEDULER}.tasks", f"{SCHEDULER}.restart_windows")
REMOVABLE = f"{SCHEDULER}.restart_windows"


class File(Settings):
    """A whole configuration file: the settings and the schedule."""

    scheduler: Scheduler


@dataclass(frozen=True, slots=True)
class Config:
    """`origin`: dotted path of every value -> the file or variable it comes from, what was set last at the end.
    `listed`: each task's `enabled` as the files have it; `dotenv_switches`: the scheduler's switches that `.env` sets.
    `environment`: `.env` below the process environment. `warnings`: what is odd but stops nothing."""

    settings: Settings
    scheduler: Scheduler
    origin: dict[str, str]
    listed: dict[str, bool]
    dotenv_switches: dict[str, bool]
    environment: dict[str, str]
    warnings: tuple[str, ...]


def load(paths: Paths, environ: Mapping[str, str] = os.environ, sources: Sources | None = None) -> Config:
    """Read, merge and check everything. Raises ConfigError with every problem found."""
    sources = read_sources(paths) if sources is None else sources
    origin: dict[str, str] = {}
    tree: Tree = {}
    for name in ("default.yaml", "production.yaml"):
        source = sources[name]
        _merge(tree, parse(source.text(), source.label), "", source.label, origin)
    from_dotenv = _dotenv(sources)
    names = _listed(tree)
    problems: list[str] = []
    switches: dict[str, bool] = {}
    for values, label in ((from_dotenv, sources["env"].label), (environ, "environment")):
        _override(tree, values, label, origin, problems)
        switches |= _switches(values, names, label, problems)
        if values is from_dotenv:
            dotenv_switches = dict(switches)
            listed = names | dict.fromkeys(_without_session(tree), False)
    problems += _misspelt(from_dotenv, names, sources["env"].label)
    if problems:
        raise ConfigError(*problems)
    _end_session_tasks(tree, origin)
    _switch_tasks(tree, switches, environ, sources["env"].label, origin)
    file = _validated(tree, origin)
    rules = [
        *((f"{SCHEDULER}.{path}", text, ()) for path, text in schedule_rules.problems(file.scheduler, paths.root)),
        *restart_rules.problems(file.restart, file.ibkr, file.scheduler.tasks),
        *alert_rules.problems(file.heartbeat, file.scheduler.tasks),
    ]
    if rules:
        raise ConfigError(*(_line(path, problem, origin, beside) for path, problem, beside in rules))
    settings = Settings.model_construct(**{name: getattr(file, name) for name in Settings.model_fields})
    warnings = (*_misspelt(environ, names, "environment"), *_readable_by_others(sources))
    return Config(settings, file.scheduler, origin, listed, dotenv_switches, {**from_dotenv, **environ}, warnings)


def _merge(into: Tree, values: Tree, path: str, label: str, origin: dict[str, str]) -> None:
    """Sections, tasks and windows are merged key by key; every other value, also a mapping, replaces the older one."""
    for key, value in values.items():
        inner = f"{path}.{key}" if path else key
        if value is None and path == REMOVABLE:
            into.pop(key, None)
            continue
        old = into.get(key)
        if isinstance(value, dict) and (isinstance(old, dict) or old is None) and _is_section(inner):
            child: Tree = old if isinstance(old, dict) else {}
            into[key] = child
            origin.setdefault(inner, label)
            _merge(child, value, inner, label, origin)
        else:
            into[key] = value
            _set(origin, inner, label)


def _set(origin: dict[str, str], path: str, label: str) -> None:
    """At the end of `origin`: its order is that in which values were set."""
    origin.pop(path, None)
    origin[path] = label


def _is_section(path: str) -> bool:
    """Whether the schema has a model at `path` (a mapping there is a section, not a value)."""
    if path in MERGED_BELOW or path.rpartition(".")[0] in MERGED_BELOW[1:]:
        return True
    model: type[BaseModel] | None = File
    for key in path.split("."):
        field = model.model_fields.get(key) if model else None
        kind = field.annotation if field else None
        model = kind if isinstance(kind, type) and issubclass(kind, BaseModel) else None
    return model is not None


def _dotenv(sources: Sources) -> dict[str, str]:
    source = sources["env"]
    try:
        return dotenv.parse(source.text())
    except dotenv.DotenvError as error:
        raise ConfigError(f"{source.label}: {error}") from error


def _listed(tree: Tree) -> dict[str, bool]:
    scheduler = tree.get(SCHEDULER)
    tasks = scheduler.get("tasks") if isinstance(scheduler, dict) else None
    if not isinstance(tasks, dict):
        return {}
    return {name: isinstance(body, dict) and body.get("enabled", True) is True for name, body in tasks.items()}


def _without_session(tree: Tree) -> list[str]:
    """Tasks of the market session while there is none: they cost nothing but their cron lines."""
    ibkr = tree.get("ibkr")
    if isinstance(ibkr, dict) and ibkr.get("persistent_connection") is True:
        return []
    return [name for name, body in _tasks(tree) if body.get("needs_persistent_connection") is True]


def _end_session_tasks(tree: Tree, origin: dict[str, str]) -> None:
    """By the effective setting, the environment's included; a task's own switch still wins, as over the YAML."""
    without = set(_without_session(tree))
    for name, body in _tasks(tree):
        if name in without and body.get("enabled", True) is True:
            body["enabled"] = False
            label = f"{origin['ibkr.persistent_connection']}: without it"
            _set(origin, f"{SCHEDULER}.tasks.{name}.enabled", label)


def _override(tree: Tree, values: Mapping[str, str], label: str, origin: dict[str, str], problems: list[str]) -> None:
    for name, (path, kind) in environment.OVERRIDES.items():
        text = values.get(name)
        if not text:
            continue
        section, _, key = path.partition(".")
        target = tree.setdefault(section, {})
        try:
            if isinstance(target, dict):
                target[key] = environment.convert(text, kind)
        except ValueError as error:
            problems.append(f"{label}: {name}: {error}")
        _set(origin, path, f"{label}: {name}")


def _switches(values: Mapping[str, str], tasks: Mapping[str, bool], label: str, problems: list[str]) -> dict[str, bool]:
    switches = {}
    for name in environment.switch_names(tasks):
        if text := values.get(name):
            try:
                switches[name] = environment.boolean(text)
            except ValueError as error:
                problems.append(f"{label}: {name}: {error}")
    return switches


def _misspelt(values: Mapping[str, str], tasks: Mapping[str, bool], label: str) -> list[str]:
    """Names with our prefixes that nothing reads: an override that would silently do nothing."""
    known = {*environment.switch_names(tasks), *environment.OVERRIDES}
    lines = []
    for name in values:
        if name.startswith(("SCHEDULER_", "IBKR_")) and name not in known:
            lines.append(f"{label}: {name}: nothing reads this name, allowed: {', '.join(sorted(known))}")
        elif name in environment.PLACE and label != "environment":
            lines.append(f"{label}: {name}: is read before this file is found, allowed: in the environment")
    return [*lines, *(f"{label}: {problem}" for problem in alert_rules.misspelt(values, tasks))]


def _switch_tasks(
    tree: Tree, switches: Mapping[str, bool], environ: Mapping[str, str], dotenv_label: str, origin: dict[str, str]
) -> None:
    for name, body in _tasks(tree):
        listed = body.get("enabled", True)
        if not isinstance(listed, bool):
            continue  # refused by the schema, with its own message
        value, switch = environment.enabled(name, listed, switches)
        if switch is not None:
            body["enabled"] = value
            label = "environment" if environ.get(switch) else dotenv_label
            _set(origin, f"{SCHEDULER}.tasks.{name}.enabled", f"{label}: {switch}")


def _tasks(tree: Tree) -> Iterator[tuple[str, Tree]]:
    scheduler = tree.get(SCHEDULER)
    tasks = scheduler.get("tasks") if isinstance(scheduler, dict) else None
    for name, body in tasks.items() if isinstance(tasks, dict) else ():
        if isinstance(body, dict):
            yield name, body


def _validated(tree: Tree, origin: Mapping[str, str]) -> File:
    try:
        return File.model_validate(tree)
    except ValidationError as error:
        lines = (_line(_dotted(detail["loc"]), _words(detail), origin) for detail in error.errors())
        raise ConfigError(*dict.fromkeys(lines)) from error


def _dotted(loc: tuple[int | str, ...]) -> str:
    """The key's path without the labels pydantic adds for unions and mapping keys."""
    parts = [str(part) for part in loc if not str(part).startswith(("literal[", "tuple["))]
    return ".".join(part for part in parts if part != "[key]")


def _words(detail: ErrorDetails) -> str:
    kind, given = detail["type"], detail["input"]
    if kind == "missing":
        return "is missing"
    if kind == "extra_forbidden":
        return f"unknown key, allowed: {', '.join(_allowed_beside(detail['loc']))}"
    message = detail["msg"].removeprefix("Value error, ")
    if kind == "value_error":
        return message
    allowed = message.removeprefix("Input should be ").removeprefix("String should ")
    return f"{_in_yaml(given)} is wrong, allowed: {allowed.replace('a valid tuple', 'a list')}"


def _in_yaml(given: object) -> str:
    """A refused value as the file has it."""
    if given is None or isinstance(given, bool):
        return {None: "null", True: "true", False: "false"}[given]
    return repr(given)


def _allowed_beside(loc: tuple[int | str, ...]) -> list[str]:
    model: type[BaseModel] = File
    for part in loc[:-1]:
        field = model.model_fields.get(str(part))
        kind = field.annotation if field else None
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            model = kind
        elif field is not None:
            values = getattr(kind, "__args__", ())
            model = values[-1] if values and isinstance(values[-1], type) else model
    return sorted(set(model.model_fields) - ({"name"} if "script" in model.model_fields else set()))


def _line(path: str, problem: str, origin: Mapping[str, str], beside: tuple[str, ...] = ()) -> str:
    """The file is that of the value, or of the nearest section around it; of a section's problem, and of values that do
    not go together (`beside`), that of the one that was set last."""
    place = path
    while place and place not in origin:
        place = place.rpartition(".")[0]
    last = [label for key, label in origin.items() if key in (path, *beside) or _decides(key, path)]
    return f"{last[-1] if last else origin.get(place, 'config/default.yaml')}: {path}: {problem}"


def _decides(key: str, section: str) -> bool:
    """Whether a section can be wrong because of that key of it; a task's switches, applied last, never are why."""
    return key.startswith(f"{section}.") and not key.endswith(".enabled")


def _readable_by_others(sources: Sources) -> Iterator[str]:
    for name in ("production.yaml", "env"):
        source = sources[name]
        if source.content is not None and source.path.exists() and source.path.stat().st_mode & 0o077:
            yield f"{source.label}: others can read it, and it may hold secrets, allowed: mode 0600 (chmod 600)"
