"""The ways in which a program may use a TWS library, each in a process of its own: with V6's gateway, and with the
library's own `IB()`. As a program (`ways_of_use.py API WAY LEASES SETTINGS`) it does one and prints its outcome.
"""

import asyncio
import importlib
import json
import re
import subprocess
import sys
import threading
from collections.abc import Awaitable, Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

WORKS = "works"
PROCESS_SECONDS = 90.0
CONNECT_SECONDS = 30.0
TOLD = re.compile(r"no current event loop|attached to a different loop")  # the part of an error that is no address

Blocking = Callable[[], None]
Twin = Callable[[], Awaitable[None]]


def in_a_script(blocking: Blocking, _twin: Twin) -> None:
    blocking()


def under_asyncio_run(_blocking: Blocking, twin: Twin) -> None:
    asyncio.run(_awaited(twin))


def after_asyncio_run(blocking: Blocking, _twin: Twin) -> None:
    """A script whose event loop has come and gone."""
    asyncio.run(asyncio.sleep(0))
    blocking()


def in_a_thread(blocking: Blocking, _twin: Twin) -> None:
    """A page of Streamlit, a scheduler's worker: a thread that nobody gave an event loop."""
    errors: list[BaseException] = []

    def work() -> None:
        try:
            blocking()
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    if errors:
        raise errors[0]


def on_a_foreign_loop(_blocking: Blocking, twin: Twin) -> None:
    """The loop that runs is not the one that the thread's policy names."""
    named, other = asyncio.new_event_loop(), asyncio.new_event_loop()
    asyncio.set_event_loop(named)
    try:
        other.run_until_complete(_awaited(twin))
    finally:
        other.close()
        named.close()


def with_patch_asyncio(blocking: Blocking, _twin: Twin) -> None:
    """A notebook: a loop is running, and the library's patch lets blocking calls be made inside it."""

    async def cell() -> None:
        _library().util.patchAsyncio()
        blocking()

    asyncio.run(cell())


WAYS: dict[str, Callable[[Blocking, Twin], None]] = {
    "script": in_a_script,
    "`asyncio.run`": under_asyncio_run,
    "after `asyncio.run`": after_asyncio_run,
    "thread without a loop": in_a_thread,
    "foreign loop": on_a_foreign_loop,
    "`patchAsyncio`": with_patch_asyncio,
}
"""The words are the columns of docs/libraries.md."""


async def _awaited(twin: Twin) -> None:
    await twin()


def _library() -> Any:
    return importlib.import_module("ib_async" if find_spec("ib_async") else "ib_insync")


def _gateway(settings: str, leases: Path) -> tuple[Blocking, Twin]:
    from v6.config.settings import Ibkr
    from v6.gateway.client import Gateway, connect

    def gateway() -> Gateway:
        return connect(Ibkr.model_validate_json(settings), purpose="checks", leases=leases)

    def blocking() -> None:
        with gateway() as opened:
            opened.current_time()

    async def twin() -> None:
        async with gateway() as opened:
            await opened.current_time_async()

    return blocking, twin


def _own_api(settings: str, _leases: Path) -> tuple[Blocking, Twin]:
    """Imported where it is used, as a page or a plug-in does."""
    port = json.loads(settings)["port"]

    def blocking() -> None:
        ib = _library().IB()
        ib.connect("127.0.0.1", port, clientId=1, timeout=CONNECT_SECONDS)
        ib.reqCurrentTime()
        ib.disconnect()

    async def twin() -> None:
        ib = _library().IB()
        await ib.connectAsync("127.0.0.1", port, clientId=1, timeout=CONNECT_SECONDS)
        await ib.reqCurrentTimeAsync()
        ib.disconnect()

    return blocking, twin


APIS: dict[str, Callable[[str, Path], tuple[Blocking, Twin]]] = {
    "V6's gateway": _gateway,
    "the library's own": _own_api,
}


def attempt(api: str, way: str, leases: Path, settings: str) -> str:
    """`works`, or the error in a few words."""
    try:
        WAYS[way](*APIS[api](settings, leases))
    except BaseException as error:  # whatever it is becomes the table's cell
        told = TOLD.search(str(error))
        return f"{type(error).__name__}: {told[0] if told else str(error)[:60]}"
    return WORKS


def outcome(python: Path, api: str, way: str, port: int, leases: Path) -> str:
    """The same, in a process of the interpreter `python`."""
    from gateway_support import ibkr

    settings = ibkr(port, connect_timeout_seconds=CONNECT_SECONDS, request_timeout_seconds=CONNECT_SECONDS)
    command = [python, __file__, api, way, leases, settings.model_dump_json()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PROCESS_SECONDS, check=False)
    return done.stdout.strip() or f"exit {done.returncode}: {done.stderr.strip()[-200:]}"


if __name__ == "__main__":
    print(attempt(sys.argv[1], sys.argv[2], Path(sys.argv[3]), sys.argv[4]))
