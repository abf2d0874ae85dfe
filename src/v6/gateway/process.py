"""TWS as a process of this host: started by the user's command, ended by the pid that owns its API port, never by name.

Everything done is an event of the journal, and so are the restarts the budget counts: they survive processes (L35).
Without commands in `tws:` it only observes. Nothing here raises for TWS's sake: what could not be done is said.
"""

import asyncio
import os
import signal
import sqlite3
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from v6 import clock
from v6.config.settings import Ibkr
from v6.config.settings import TwsProcess as Settings
from v6.gateway import detached, sockets
from v6.gateway.sockets import CannotLook, Listener
from v6.journal import events
from v6.paths import Paths

if TYPE_CHECKING:
    from v6.gateway.connection import Log

RESTART = "tws_restart"  # one event a restart begun: what the budget counts
STEP = "tws_process"
LOOK_SECONDS = 0.25
STOP_COMMAND_SECONDS = 60.0  # IBC closes TWS's windows one by one
TERM_SECONDS = 30.0  # Java ends in an orderly way within that, or not at all
KILL_SECONDS = 10.0
SAME_START_SECONDS = 2.0  # psutil derives a process's start from the boot time, which moves when the clock is set


class TwsProcess:
    """Each method gives words of what was done, or None when nothing was; `why` goes into the journal."""

    def __init__(
        self,
        settings: Settings,
        ibkr: Ibkr,
        db: sqlite3.Connection,
        log: "Log",
        *,
        output: Path | None = None,
        term_seconds: float = TERM_SECONDS,
    ) -> None:
        self._settings = settings
        self._ibkr = ibkr
        self._db = db
        self._log = log
        self._output = output or Paths.locate().home / "logs" / "tws" / "start.log"
        self._term_seconds = term_seconds

    @property
    def observes_only(self) -> bool:
        return not (self._settings.start_command or self._settings.stop_command)

    async def end_hung(self, why: str) -> str | None:
        """End a TWS that listens and does not answer, and start it again where a command says how."""
        found = self._look()
        if found is None:
            return None
        why = f"{why}; {found.queued} connections wait to be accepted" if found.queued else why
        if self.observes_only:
            self._call_a_person("TWS is hung", f"{found}: {why}. It was not ended: tws.start_command is not configured")
            return None
        if not self._spend(why):
            return None
        ended = await self._end(found)
        if ended is None:
            self._call_a_person("TWS is hung", f"{found}: {why}. {events.recent(self._db, STEP, 1)[0].text}")
        if ended is None or not self._settings.start_command:
            return ended
        return f"{ended}; {await self._begin()}"

    async def start(self, why: str) -> str | None:
        """Start TWS when nobody listens and the one started last is not still on its way."""
        if not self._settings.start_command or not self._nobody_there():
            return None
        return await self._begin() if self._spend(why) else None

    async def stop(self, why: str) -> str | None:
        """End the TWS that listens."""
        found = None if self.observes_only else self._look()
        return await self._end(found) if found is not None and self._spend(why) else None

    async def restart(self, why: str) -> str | None:
        """End the TWS that listens, if one does, and start it anew: one restart of the budget. Only where a command
        says how it is started."""
        found = self._look() if self._settings.start_command else None
        if found is None:
            return await self.start(why)
        if not self._spend(why):
            return None
        ended = await self._end(found)
        return None if ended is None else f"{ended}; {await self._begin()}"

    # whether

    def _spend(self, why: str) -> bool:
        """One restart of the budget; without any left a person is called, once, and nothing more is done (L29)."""
        hours, most = self._settings.per_hours, self._settings.max_restarts
        done = events.count_since(self._db, RESTART, clock.now() - timedelta(hours=hours))
        if done >= most:
            body = (
                f"{why}. {done} restarts in the last {hours:g} h, tws.max_restarts allows {most}: nothing more is done"
            )
            self._call_a_person("TWS needs a person", body)
            return False
        events.record(self._db, RESTART, why)
        return True

    def _call_a_person(self, title: str, body: str) -> None:
        self._log.warning(f"{title}: {body}")
        quiet = timedelta(hours=self._settings.per_hours)
        events.raise_alert(self._db, severity="failure", title=title, body=body, key=title, quiet=quiet)

    def _nobody_there(self) -> bool:
        try:
            found = sockets.listener(self._ibkr.host, self._ibkr.port)
        except CannotLook as cannot:
            self._say("not started", f"TWS was not started, it may run: {cannot}")
            return False
        if found is not None:
            return False
        if (pid := self._on_its_way()) is not None:
            body = f"pid {pid}, started before, still runs without opening port {self._ibkr.port}: a login may wait"
            self._call_a_person("TWS needs a person", body)
            return False
        return True

    def _on_its_way(self) -> int | None:
        """The process of the last start, if it is still there: a second TWS would end the first one's session."""
        for event in events.recent(self._db, STEP, limit=20):
            if event.details.get("action") == "started":
                pid, created = int(event.details["pid"]), float(event.details["created"])
                same = abs(_created(pid) - created) < SAME_START_SECONDS
                return pid if same and _is_running(_process(pid)) else None
        return None

    def _look(self) -> Listener | None:
        try:
            return sockets.listener(self._ibkr.host, self._ibkr.port)
        except CannotLook as cannot:
            self._say("not ended", f"TWS was not ended, its process cannot be told: {cannot}")
            return None

    # how

    async def _end(self, found: Listener) -> str | None:
        """By the user's command, then by the pid; None and an event when that pid must not be touched."""
        if self._settings.stop_command and await self._stopped_by_command(found):
            return self._say("ended", f"{found} was ended by tws.stop_command")
        try:
            owner = _owner(found)
            for number, seconds in ((signal.SIGTERM, self._term_seconds), (signal.SIGKILL, KILL_SECONDS)):
                self._say("signal", f"{number.name} to pid {owner.pid} ({found})", pid=owner.pid)
                owner.send_signal(number)
                if await self._gone(found, owner, seconds):
                    return self._say("ended", f"pid {owner.pid} was ended by {number.name}", pid=owner.pid)
        except psutil.NoSuchProcess:
            return self._say("ended", f"{found} was gone before it could be ended")
        except (psutil.AccessDenied, _NotOurs) as refused:
            self._say("not ended", f"{found} was not ended: {refused}")
            return None
        self._say("not ended", f"pid {owner.pid} does not end, not even by SIGKILL", pid=owner.pid)
        return None

    async def _stopped_by_command(self, found: Listener) -> bool:
        command = self._words(self._settings.stop_command)
        owner = _process(found.pid)
        self._say("stop command", f"tws.stop_command: {' '.join(command)}")
        output = self._output.with_name("stop.log")
        try:
            pid = detached.spawn(command, output, detached.environment(os.environ, self._settings.java_heap))
        except OSError as error:
            self._say("stop failed", f"tws.stop_command cannot be started: {error.strerror}: {command[0]}")
            return False
        code = await _exit(pid, STOP_COMMAND_SECONDS)
        if code != 0:
            said = detached.last_line(output)
            how = f"has not ended after {STOP_COMMAND_SECONDS:.0f} s" if code is None else f"exit {code}"
            self._say("stop failed", f"tws.stop_command: {how}: {said}")
            return False
        return await self._gone(found, owner, STOP_COMMAND_SECONDS)

    async def _begin(self) -> str:
        """Run the start command and wait for the port to open."""
        command = self._words(self._settings.start_command)
        begun = clock.monotonic()
        try:
            pid = detached.spawn(command, self._output, detached.environment(os.environ, self._settings.java_heap))
        except OSError as error:
            return self._say("start failed", f"tws.start_command cannot be started: {error.strerror}: {command[0]}")
        self._say("started", f"tws.start_command: {' '.join(command)}: pid {pid}", pid=pid, created=_created(pid))
        return await self._opened(pid, begun)

    async def _opened(self, pid: int, begun: float) -> str:
        code: int | None = None
        while clock.monotonic() - begun < self._settings.startup_seconds:
            with suppress(CannotLook):
                found = sockets.listener(self._ibkr.host, self._ibkr.port)
                if found is not None:
                    return self._say("listens", f"TWS listens after {clock.monotonic() - begun:.0f} s ({found})")
            code = detached.exit_code(pid) if code is None else code  # 0: a launcher, such as systemctl
            if code:
                said = detached.last_line(self._output)
                return self._say("start failed", f"tws.start_command: exit {code}: {said} ({self._output})")
            await asyncio.sleep(LOOK_SECONDS)
        limit = self._settings.startup_seconds
        return self._say("start failed", f"started, but its port has not opened within {limit:.0f} s ({self._output})")

    async def _gone(self, found: Listener, owner: psutil.Process | None, seconds: float) -> bool:
        """Whether that socket is closed and its process ended within `seconds`. Another socket is another TWS."""
        until = clock.monotonic() + seconds
        while self._has(found) or _is_running(owner):
            if clock.monotonic() >= until:
                return False
            await asyncio.sleep(LOOK_SECONDS)
        return True

    def _has(self, found: Listener) -> bool:
        """True also when it cannot be told: nothing is taken for ended unseen (L30)."""
        try:
            now = sockets.listener(self._ibkr.host, self._ibkr.port)
        except CannotLook:
            return True
        return now is not None and now.inode == found.inode

    def _words(self, command: Sequence[str]) -> list[str]:
        return [word.replace("{heap}", self._settings.java_heap) for word in command]

    def _say(self, action: str, text: str, **details: object) -> str:
        self._log.info(text)
        events.record(self._db, STEP, text, details={"action": action, **details})
        return text


class _NotOurs(Exception):  # noqa: N818 - it names what the process is
    """A process that must not be ended."""


def _owner(found: Listener) -> psutil.Process:
    """The process to end. psutil compares its start before each signal: a pid that was given anew is never hit."""
    if found.pid is None:
        raise _NotOurs(f"who owns it cannot be told (uid {found.uid}); V6 must run as the user of TWS")
    if found.pid in (1, os.getpid(), *(parent.pid for parent in psutil.Process().parents())):
        raise _NotOurs(f"pid {found.pid} is no TWS, it is V6 itself or what started it")
    return psutil.Process(found.pid)


async def _exit(pid: int, seconds: float) -> int | None:
    until = clock.monotonic() + seconds
    while (code := detached.exit_code(pid)) is None and clock.monotonic() < until:
        await asyncio.sleep(LOOK_SECONDS)
    return code


def _process(pid: int | None) -> psutil.Process | None:
    with suppress(psutil.NoSuchProcess):
        return None if pid is None else psutil.Process(pid)
    return None


def _is_running(process: psutil.Process | None) -> bool:
    """A zombie has ended; only its parent has not asked yet."""
    with suppress(psutil.NoSuchProcess):
        return process is not None and process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False


def _created(pid: int) -> float:
    process = _process(pid)
    return 0.0 if process is None else process.create_time()
