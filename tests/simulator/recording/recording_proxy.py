"""A recording proxy in a thread of its own."""

import asyncio
import threading
from contextlib import contextmanager

from raw_tws_client import TUESDAY

from v6.simulator.recording.file import Writer
from v6.simulator.recording.proxy import Notebook, Proxy
from v6.simulator.recording.redact import Redactor

SECONDS = 20


@contextmanager
def proxied(upstream, path, instant=TUESDAY, secrets=()):
    """The port of a proxy to that port, writing that file; and what it says."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    said = []
    writer = Writer(path, instant, "test")
    proxy = Proxy(("127.0.0.1", upstream), Notebook(writer, Redactor(secrets), said.append), said.append)
    try:
        yield asyncio.run_coroutine_threadsafe(proxy.start("127.0.0.1", 0), loop).result(SECONDS), said
    finally:
        asyncio.run_coroutine_threadsafe(proxy.stop(), loop).result(SECONDS)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(SECONDS)
        loop.close()
        writer.close()
