"""What the market session goes by, read again each minute: the configuration, the schedule, the calendar."""

import os
from datetime import datetime

from v6.config.errors import ConfigError
from v6.config.load import Config, load
from v6.config.sources import Sources, read_sources
from v6.model import SkipRun
from v6.runner.context import Context
from v6.scheduler import compiled
from v6.scheduler.compiled import ScheduleError
from v6.scheduler.nyse_calendar import CalendarError, NYSECalendar
from v6.session import slots
from v6.session.slots import Plan


class Rules:
    """A file that cannot be used changes nothing: what it said before goes on."""

    def __init__(self, ctx: Context) -> None:
        """Raises SkipRun when no session is to be held now, ScheduleError and CalendarError."""
        self.config: Config = ctx.config
        self._begun_with = ctx.config.settings
        self._paths = ctx.paths
        self._log = ctx.log
        self._sources: Sources | None = None
        """Of `config`; None: read before our time, and perhaps changed since."""
        self._day = ctx.now().date()
        self._read_schedule(ctx.now())
        if slots.has_come(self.plan.end.at, ctx.now()):
            raise SkipRun("no_session", f"it would have ended at {self.plan.end}")

    def read_again(self, now: datetime) -> None:
        try:
            sources = read_sources(self._paths)
            if sources != self._sources:
                self._sources = sources
                self.config = load(self._paths, os.environ, sources)
            self._read_schedule(now)
        except (ConfigError, ScheduleError, CalendarError) as error:
            self._log.warning("going on with what was read before: {}", error)

    def plan_in_words(self) -> str:
        """`until 16:20, 20 min after the close; collects ... every 5 min`."""
        tasks, minutes = ", ".join(self.plan.tasks) or "nothing", self.config.settings.session.cycle_minutes
        return f"until {self.plan.end}; collects {tasks} every {minutes} min"

    def why_over(self, now: datetime) -> str:
        """In words; empty while the session goes on."""
        settings = self.config.settings
        if not settings.ibkr.persistent_connection:
            return f"ibkr.persistent_connection is false now ({self.config.origin['ibkr.persistent_connection']})"
        if (settings.ibkr, settings.session) != (self._begun_with.ibkr, self._begun_with.session):
            return "its settings have changed, its next cron line begins with them"
        if now.date() != self._day:
            return "its day is over"
        return str(self.plan.end) if slots.has_come(self.plan.end.at, now) else ""

    @property
    def market_open(self) -> bool:
        return self._calendar.get_market_phase() == "market_open"

    def _read_schedule(self, now: datetime) -> None:
        schedule = compiled.load(self._paths.compiled / "schedule.txt", os.environ)
        calendar = NYSECalendar(self._paths.compiled / "calendar.txt", observe_holidays=schedule.observe_holidays)
        self.plan: Plan = slots.plan(schedule, calendar, now, self.config.settings.session)
        self._calendar = calendar
