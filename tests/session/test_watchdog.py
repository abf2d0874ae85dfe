"""A session whose loop hangs ends, so that its claims fall; one that comes round goes on."""

import os
import sys
import threading
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from keeper_support import Log

from v6.session import watchdog
from v6.session.watchdog import Watchdog


def test_only_a_loop_that_hangs_ends_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    ended = threading.Event()

    def end(code: int) -> None:
        assert code == 1
        ended.set()

    monkeypatch.setattr(os, "_exit", end)
    log, soon = Log(), threading.Event()
    with Watchdog(log, look_every=0.05) as watched:
        for _ in range(5 * watchdog.LOOKS):
            watched.looked()
            soon.wait(0.02)
        assert not ended.is_set()
        assert ended.wait(30)
    assert "has hung" in log.lines[0]


def test_a_session_that_has_ended_is_not_watched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watchdog, "LOOKS", 1)
    ended = threading.Event()
    monkeypatch.setattr(os, "_exit", lambda _: ended.set())
    with Watchdog(Log(), look_every=0.2):
        pass
    assert not ended.wait(0.6)
