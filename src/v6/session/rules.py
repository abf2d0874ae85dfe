"""What the market session goes by, read again each minute: the configuration, the schedule, the calendar."""

import os
from collections.abc import Mapping
from datetime import datetime, timedelta

from v6.config.errors import ConfigError
from v6.config.load import Config, load
from v6.config.sources import read_sources
from v6.model import SkipRun
from v6.runner.context import Context
from v6.scheduler import compiled
from v6.scheduler.compiled import Task
from v6.scheduler.nyse_calendar import NYSECalendar
from v6.session import slots


class Rules:
    """Of the New York day that it is made on. An edit that is refused changes nothing."""

    def __init__(self, ctx: Context) -> None:
        """Raises SkipRun when there is no session that day or it is over, ScheduleError and CalendarError."""
        self.config: Config = ctx.config
        self.tasks: Mapping[str, Task] = {}
        self.planned: Mapping[str, tuple[datetime, ...]] = {}
        """Task -> the slots that the session collects, ascending."""
        self._begun_with = ctx.config.settings
        self._paths = ctx.paths
        self._log = ctx.log
        self._day = ctx.now().date()
        self._sources = read_sources(ctx.paths)
        self._read_schedule(ctx.now())
        if ctx.now().timestamp() >= self.end.at.timestamp():
            raise SkipRun("session_over", f"a session lasts until {self.end.at:%H:%M}, {self.end.why}")

    def read_again(self, now: datetime) -> None:
        self._read_configuration()
        self._read_schedule(now)

    def why_over(self, now: datetime) -> str:
        """In words; empty while the session goes on."""
        settings = self.config.settings
        if not settings.ibkr.persistent_connection:
            return f"ibkr.persistent_connection is false now ({self.config.origin['ibkr.persistent_connection']})"
        if (settings.ibkr, settings.session) != (self._begun_with.ibkr, self._begun_with.session):
            return "its settings have changed, its next cron line begins with them"
        if now.timestamp() >= self.end.at.timestamp():
            return f"{self.end.at:%H:%M}, {self.end.why}"
        return ""

    def _read_configuration(self) -> None:
        try:
            sources = read_sources(self._paths)
            if sources != self._sources:
                self._sources = sources
                self.config = load(self._paths, os.environ, sources)
        except ConfigError as error:
            self._log.warning("the configuration is refused, going on with the one before: {}", error)

    def _read_schedule(self, now: datetime) -> None:
        schedule = compiled.load(self._paths.compiled / "schedule.txt", os.environ)
        calendar = NYSECalendar(self._paths.compiled / "calendar.txt", observe_holidays=schedule.observe_holidays)
        session = calendar.session(self._day)
        if session is None:
            raise SkipRun("closed", f"NYSE is closed: {calendar.closure_reason(self._day)}")
        settings = self.config.settings.session
        keep = timedelta(minutes=settings.keep_after_close_minutes)
        tasks = slots.collectors(schedule)
        self.end = slots.end_of(session, schedule.windows, now, keep)
        self.tasks = {task.name: task for task in tasks}
        self.planned = slots.of_day(tasks, self._day, calendar, schedule.windows, settings.cycle_minutes)
