"""The edge of a job's process: arguments, configuration, logs, signals and the exit code. Jobs only work."""

import argparse
import importlib
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, NoReturn

from v6 import clock, failpoint
from v6.model import SkipRun, V6Error
from v6.runner import environment, exit_codes, result, signals

if TYPE_CHECKING:
    from loguru import Logger

    from v6.config.errors import ConfigError
    from v6.config.load import Config
    from v6.paths import Paths
    from v6.runner.context import Context

HAND_LIMIT_SECONDS = 3600.0
BY_HAND = (
    "mend it (`v6 schedule check` says the same), or run with the last good configuration: "
    "FORCE_RUN=true scripts/cron_wrapper.sh {script}"
)


def main(job_name: str) -> NoReturn:
    """Run one job of `v6.jobs` and exit with its code. Everything is imported inside, so that a broken import is a
    fatal result with its traceback and not a bare exit 1 that would be retried."""
    sys.exit(run(job_name, sys.argv[1:]))


def run(job_name: str, arguments: Sequence[str]) -> int:
    """Run the job; its exit code."""
    signals.keep_lock_from_children()
    log: list[Logger] = []
    try:
        outcome = _work(job_name, arguments, log)
        code = exit_codes.SUCCESS
    except SkipRun as skip:
        outcome, code = result.Result("skip", skip.detail, skip.reason), exit_codes.SUCCESS
    except V6Error as error:
        kind, code = ("recoverable", exit_codes.RECOVERABLE) if error.recoverable else ("fatal", exit_codes.FATAL)
        outcome = result.Result(kind, str(error), _reason(error))
    except signals.Terminated as ended:
        outcome, code = result.Result("signal", str(ended), "signal"), exit_codes.SIGNAL_BASE + ended.number
    except Exception as error:  # the job's edge: what nobody expected is fatal and shown whole
        outcome, code = _unexpected(error)
        _report(log, traceback.format_exc())
    signals.disarm()
    hands_only = _hands_only(job_name)
    _conclude(log, outcome, answered=hands_only)
    if hands_only:
        _answer(job_name, outcome)
    return code


def _unexpected(error: Exception) -> tuple[result.Result, int]:
    """Of an error that the job did not expect. A disk that is full, or a journal that is locked, may mend itself."""
    from v6 import host_faults, places

    home = places.home(os.environ)
    if words := host_faults.fault(error, home, places.place(home, "journal")):
        return result.Result("recoverable", words, "host_fault"), exit_codes.RECOVERABLE
    return result.Result("fatal", str(error) or repr(error), type(error).__name__), exit_codes.FATAL


def _work(job_name: str, arguments: Sequence[str], log: "list[Logger]") -> result.Result:
    module = importlib.import_module(f"v6.jobs.{job_name}")
    job: Callable[[Context], str] = getattr(module, job_name)
    parsed = parser_of(job_name, module).parse_args(arguments)
    signals.arm(float(os.environ.get(environment.LIMIT, "0")))
    context = _context(job_name, parsed, log)
    failpoint.reach("job_started")
    summary = job(context)
    if not summary:
        raise RuntimeError(f"{job_name} returned no summary: a job says in one line what it did")
    return result.Result("success", summary, "", None)


def parser_of(job_name: str, module: ModuleType) -> argparse.ArgumentParser:
    """The command line of a job: its own ARGUMENTS, and --dry-run when it WRITES."""
    parser = argparse.ArgumentParser(
        prog=f"{job_name}.py", description=module.__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    if getattr(module, "WRITES", False):
        parser.add_argument("--dry-run", action="store_true", help="do everything but write")
    for argument in getattr(module, "ARGUMENTS", ()):
        parser.add_argument(*argument.flags, **argument.options)
    return parser


def _hands_only(job_name: str) -> bool:
    return bool(getattr(sys.modules.get(f"v6.jobs.{job_name}"), "HANDS_ONLY", False))


def _configuration(paths: "Paths", job_name: str, *, goes_on: bool) -> "tuple[Config, ConfigError | None]":
    """The configuration, or where the run `goes_on` the one the schedule in force was compiled from: a broken edit
    stops nothing that the gate let through, nor what is there for trouble. Also why the present one was refused. By
    hand a person is there: they are told what helps. What the environment itself has wrong no file can mend."""
    from v6.config.errors import ConfigError
    from v6.config.load import load
    from v6.config.sources import compiled_sources

    try:
        return load(paths, os.environ), None
    except ConfigError as error:
        last_good = compiled_sources(paths)
        if last_good is None:
            raise
        try:
            config = load(paths, os.environ, last_good)
        except ConfigError as again:
            raise ConfigError(*dict.fromkeys((*error.problems, *again.problems))) from again
        script = f"scripts/{job_name}.py"
        if not goes_on and any(task.script == script for task in config.scheduler.tasks.values()):
            raise ConfigError(*error.problems, BY_HAND.format(script=script)) from error
        if not goes_on:
            raise
        return config, error


def _context(job_name: str, parsed: argparse.Namespace, log: "list[Logger]") -> "Context":
    from v6.paths import Paths
    from v6.runner import logs, ownership
    from v6.runner.context import Context

    environ = os.environ
    paths = Paths.locate(environ)
    ownership.require_own(paths.var, f".venv/bin/python scripts/{job_name}.py")
    goes_on = environment.TASK in environ or _hands_only(job_name)
    config, refused = _configuration(paths, job_name, goes_on=goes_on)
    task = environ.get(environment.TASK) or job_name
    directory = paths.home / config.scheduler.log_directory
    day_log = Path(environ.get(environment.LOG_FILE) or logs.day_log(directory, task))
    logger = logs.open_log(
        task,
        [day_log, directory / logs.UNIFIED],
        to_terminal=environment.TASK not in environ,
    )
    log.append(logger)
    if said := clock.shifted():
        logger.warning(said)
    if refused is not None:
        logger.warning("the configuration is refused, going on with the last good one: {}", refused)
    _say_if_no_library(config.settings.ibkr.library, logger)
    entry = config.scheduler.tasks.get(task)
    limit = float(environ.get(environment.LIMIT, "0")) or (entry.timeout_seconds if entry else HAND_LIMIT_SECONDS)
    return Context(
        task=task,
        slot=environment.slot_of(environ),
        args=parsed,
        config=config,
        paths=paths,
        log=logger,
        deadline=clock.monotonic() + limit,
        dry_run=getattr(parsed, "dry_run", False),
        attempt=int(environ.get(environment.ATTEMPT, "1")),
    )


def _say_if_no_library(wanted: str, logger: "Logger") -> None:
    """At the job's beginning, whatever it does: what needs TWS will end with the same words."""
    from v6.gateway import installation
    from v6.gateway.errors import LibraryUnusable

    try:
        installation.choose(wanted)
    except LibraryUnusable as error:
        logger.error("TWS cannot be reached from this environment: {}", error)


def _conclude(log: "list[Logger]", outcome: result.Result, *, answered: bool) -> None:
    """Log how it ended and leave the record for the supervisor. `answered`: stdout says it, the terminal not again."""
    words = ": ".join(part for part in (outcome.outcome, outcome.reason, outcome.summary) if part)
    if log:
        level = "INFO" if outcome.outcome in ("success", "skip") else "ERROR"
        log[0].bind(answered=answered).log(level, "{}", words)
    elif not answered:
        _report(log, words)
    if path := os.environ.get(environment.RESULT):
        result.write(path, outcome)


def _answer(job_name: str, outcome: result.Result) -> None:
    """The last words of a job that only people start (HANDS_ONLY), alone on stdout; the log went to stderr. Its
    `closing_words` puts them together, else they are the summary."""
    module = sys.modules[f"v6.jobs.{job_name}"]
    words: Callable[[result.Result], str] | None = getattr(module, "closing_words", None)
    with suppress(BrokenPipeError):
        os.write(1, f"{words(outcome) if words else outcome.summary}\n".encode())


def _report(log: "list[Logger]", text: str) -> None:
    """To the log, or to stderr (the task's day log under the supervisor) when there is no log yet."""
    if log:
        log[0].error("{}", text)
    else:
        os.write(2, f"{text.rstrip()}\n".encode())


def _reason(error: V6Error) -> str:
    """A code that other parts know, or none: the message says it all, and the name of a class nothing more."""
    return str(getattr(error, "reason", ""))
