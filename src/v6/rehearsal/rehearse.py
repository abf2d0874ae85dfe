"""One rehearsal: a stage, a simulator beside it, the minutes of its windows, and the books at the end."""

import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from v6 import clock
from v6.model import FatalError
from v6.paths import Paths
from v6.rehearsal import books, day, processes, prologue, recording
from v6.rehearsal.books import Books
from v6.rehearsal.deeds import Deed, Scene, require_occasions
from v6.rehearsal.long_lived import LongLived
from v6.rehearsal.recording import RecordedDay
from v6.rehearsal.simulated_tws import simulated_tws
from v6.rehearsal.stage import HOST_ZONE, Stage, crontab_of, loaded
from v6.rehearsal.window import MINUTE, Window

FAST: dict[str, Any] = {"messages_per_second": 2000.0}
# a recording has contracts without a quote for hours: what a simulator without delays does not say at once, never comes
FAST_REPLAY = {**FAST, "quote_timeout_seconds": 1.0, "greeks_wait_seconds": 0.5}
ANY_PORT = 7497  # until the simulator has one
FAST_BACKOFF_SECONDS = 0.5
SETTING_UP = timedelta(minutes=3)
BEFORE_THE_WINDOW = timedelta(seconds=30)  # so early the scenario is told, or its first second would be over by then
DISPATCHER_SECONDS = 20.0  # alerts leave in a process of their own, after the run that raised them


@dataclass(frozen=True, slots=True)
class Plan:
    """What is rehearsed. `site`: a production.yaml to start from; `scenario`: a file, or the name of a shipped one,
    played from the first window on, with what is left of a fault that goes on by then; `alert_urls`: where alerts go,
    nowhere by default; `prologue`: what feeds the first window is played before it; `session`: on one connection, held
    by the market session; `deeds`: what is done to the scene at minutes of the windows; `host_down`: the host is down
    between the windows, so that what was due then is missed; otherwise that time is not played."""

    windows: tuple[Window, ...]
    site: Mapping[str, Any] = field(default_factory=dict)
    scenario: str = ""
    replay: Path | None = None
    realistic: bool = False
    alert_urls: str = ""
    prologue: bool = True
    session: bool = False
    deeds: tuple[Deed, ...] = ()
    host_down: bool = False


def rehearse(stage: Stage, plan: Plan, watcher: day.Watcher, warn: Callable[[str], object] = str) -> Books:
    """Rehearse, wait for what leaves late, end everything, and read the books. `warn` is told what makes it futile.

    Raises FatalError when the stage cannot be built, its configuration is refused, or nothing of its scenario happens.
    """
    refuse_idle_scenario(plan)
    recorded = recording.recorded_day(plan.replay, plan.windows[0].start.date()) if plan.replay else None
    stage.build(plan.site, _story(plan))
    stage.take_calendars(Paths.locate().compiled)
    tree = configuration(plan, stage, ANY_PORT, recorded)  # the host's zone is in it: when restarts are depends on that
    stage.configure(tree)
    start = plan.windows[0].start
    stage.set_clock((start - SETTING_UP).timestamp())
    environ = stage.environ(_extra(plan))
    with day.ended_processes(stage):
        compile_schedule(stage, environ)
        until = start if plan.replay else prologue.fed_until(stage, plan.windows)  # only its own day is recorded
        if plan.prologue:
            stage.set_clock(prologue.midnight(until).timestamp())
        if closed := books.closed_day(stage, plan.windows):
            warn(f"{closed}: no collector is due, only what runs every day")
        with simulated_tws(stage, environ, _simulator_options(plan, stage)) as tws:
            stage.configure({**tree, "ibkr": {**tree["ibkr"], "port": tws.port}})
            compile_schedule(stage, environ)
            before = prologue.prologue(stage, until) if plan.prologue else []
            crontab = crontab_of(stage)
            acts = [prologue.steps(stage, before), day.steps(plan.windows, crontab.lines)]
            require_occasions(plan.deeds, [step.minute for step in acts[1]])
            watcher.begin(sum(map(len, acts)))
            scene = Scene(stage, tws, LongLived(stage))
            day.walk(scene, acts[0], watcher, {**environ, **crontab.settings})
            if plan.scenario:
                stage.step_to(start - BEFORE_THE_WINDOW)
                tws.play(plan.scenario, start - BEFORE_THE_WINDOW)
            if not scene.long_lived.alive:
                stage.step_to(start)
            at_start = crontab.at_start if plan.host_down else None
            day.walk(scene, acts[1], watcher, {**environ, **crontab.settings}, plan.deeds, at_start)
            scene.long_lived.let_end(plan.windows[-1].end)
            tws.require_alive()
            processes.wait_until_gone(stage.home, {tws.process.pid}, DISPATCHER_SECONDS)
    return books.read_books(stage, plan.windows, before, recorded, scene.connections)


def refuse_idle_scenario(plan: Plan) -> None:
    """Raises FatalError when nothing of the scenario happens: a rehearsal that passes would say nothing of it."""
    from v6.simulator.faults.scenario import Scenario

    if not plan.scenario:
        return
    scenario, start, end = Scenario.load(Path(plan.scenario)), plan.windows[0].start, plan.windows[-1].end
    if not scenario.happens(start, end + MINUTE):
        span = f"from {start:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M}"
        raise FatalError(
            f"--scenario {plan.scenario}: nothing of it happens {span} ({'; '.join(scenario.plan(start))})"
        )


def configuration(plan: Plan, stage: Stage, port: int, recorded: RecordedDay | None = None) -> dict[str, Any]:
    """The stage's production.yaml: the site's, but with this simulator, this home's folders, a New York host."""
    tree: dict[str, Any] = {key: dict(value) if isinstance(value, dict) else value for key, value in plan.site.items()}
    pace = {} if plan.realistic else FAST_REPLAY if plan.replay else FAST
    tree["ibkr"] = {**pace, **tree.get("ibkr", {}), "host": "127.0.0.1", "port": port, "simulator": True}
    if plan.session:
        tree["ibkr"]["persistent_connection"] = True
    tree.setdefault("lake", {}).update(root="var/lake", storage_options={})
    scheduler = tree.setdefault("scheduler", {})
    scheduler["log_directory"] = "logs"
    if recorded:
        tree["universe"] = recorded.universe
    known = loaded(stage)
    windows = scheduler.setdefault("restart_windows", {})
    for name, window in known.restart_windows.items():
        if window.zone == "host":
            windows[name] = {**(windows.get(name) or {}), "zone": HOST_ZONE}
    if not plan.realistic:
        tasks = scheduler.setdefault("tasks", {})
        for name in known.tasks:
            backoff = {"backoff_seconds": FAST_BACKOFF_SECONDS, "backoff_cap_seconds": FAST_BACKOFF_SECONDS}
            tasks[name] = {**(tasks.get(name) or {}), **backoff}
    return tree


def compile_schedule(stage: Stage, environ: Mapping[str, str]) -> None:
    """Compile calendar and schedule as the gate would at its first call. Raises FatalError with the reasons."""
    command = [sys.executable, "-m", "v6.scheduler.compile"]
    done = subprocess.run(command, env=dict(environ), cwd=stage.home, capture_output=True, text=True, check=False)
    if done.returncode:
        raise FatalError(f"the rehearsal's configuration is refused:\n{done.stderr.strip()}")


def _extra(plan: Plan) -> dict[str, str]:
    extra = {"V6_PYTHON": sys.executable}
    if plan.alert_urls:
        extra["V6_ALERT_URLS"] = plan.alert_urls
    return extra


def _simulator_options(plan: Plan, stage: Stage) -> list[str]:
    options = [] if plan.realistic else ["--fast"]
    if plan.deeds:  # it may be killed
        options += ["--state", str(stage.home / "simulator.state")]
    if plan.replay:
        options += ["--replay", str(plan.replay)]
    return options


def _story(plan: Plan) -> dict[str, Any]:
    return {
        "rehearsed_on": f"{clock.now():%Y-%m-%d %H:%M:%S %Z}",
        "windows": [f"{window.start:%Y-%m-%d %H:%M} to {window.end:%Y-%m-%d %H:%M %Z}" for window in plan.windows],
        "scenario": plan.scenario or None,
        "replay": str(plan.replay) if plan.replay else None,
        "pace": "realistic" if plan.realistic else "fast",
        "session": plan.session,
    }
