"""The user's own commands around a restart. They can fail, hang or be missing: that is reported and changes nothing."""

import asyncio
import os
import signal
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from v6 import clock
from v6.gateway.connection import Log

KEPT_BYTES = 4000  # of what each hook says; all of it is read, so that it never waits for us
LAST_WORDS_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class HookRun:
    """How one command ended. `trouble` is "" when it exited with 0."""

    command: tuple[str, ...]
    trouble: str
    seconds: float

    def __str__(self) -> str:
        return f"{' '.join(self.command)}: {self.trouble or 'done'} ({self.seconds:.1f} s)"


async def run_hooks(commands: Sequence[Sequence[str]], report: str, seconds: float, log: Log) -> list[HookRun]:
    """Run each command (an argument list, no shell) in its own process group with `report` on its standard input, all
    of them at once; what they say goes to the log. A group still at work after `seconds` is killed."""
    return list(await asyncio.gather(*(_run(tuple(command), report, seconds, log) for command in commands)))


async def _run(command: tuple[str, ...], report: str, seconds: float, log: Log) -> HookRun:
    started = clock.monotonic()
    with tempfile.TemporaryFile() as told, _Said() as said:
        told.write(report.encode())
        told.seek(0)
        try:
            process = await asyncio.create_subprocess_exec(
                *command, stdin=told, stdout=said.write_end, stderr=asyncio.subprocess.STDOUT, start_new_session=True
            )
        except (OSError, ValueError) as error:  # ValueError: a NUL in an argument
            trouble = f"could not be started: {error}"
        else:
            said.no_more_from_us()
            trouble = await _outcome(process, seconds)
            with suppress(TimeoutError):  # what it has left running may keep its output open
                async with asyncio.timeout(LAST_WORDS_SECONDS):
                    await said.ended.wait()
    run = HookRun(command, trouble, clock.monotonic() - started)
    if words := said.heard.decode(errors="replace").strip():
        log.info(f"hook {command[0]} says: {words}")
    (log.warning if trouble else log.info)(f"hook {run}")
    return run


async def _outcome(process: asyncio.subprocess.Process, seconds: float) -> str:
    """What is wrong with how it ended, "" when nothing is."""
    try:
        async with asyncio.timeout(seconds):
            code = await process.wait()
    except TimeoutError:
        return f"still running after {seconds:g} s: ended with everything it started"
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
    if code < 0:
        return f"ended by {signal.Signals(-code).name}"
    return f"exit code {code}" if code else ""


class _Said:
    """The read end of a hook's output, on the running event loop."""

    def __init__(self) -> None:
        self._read_end, self.write_end = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        os.set_blocking(self.write_end, True)
        self.heard = bytearray()
        self.ended = asyncio.Event()

    def __enter__(self) -> Self:
        asyncio.get_running_loop().add_reader(self._read_end, self._hear)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        asyncio.get_running_loop().remove_reader(self._read_end)
        os.close(self._read_end)
        self.no_more_from_us()

    def no_more_from_us(self) -> None:
        if self.write_end >= 0:
            os.close(self.write_end)
            self.write_end = -1

    def _hear(self) -> None:
        piece = os.read(self._read_end, 65536)
        self.heard += piece[: max(0, KEPT_BYTES - len(self.heard))]
        if not piece:
            asyncio.get_running_loop().remove_reader(self._read_end)
            self.ended.set()
