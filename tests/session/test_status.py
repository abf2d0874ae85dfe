"""The session's word in the journal, and its alerts, which do not wait for the evening."""

import socket
import sys
from pathlib import Path

import psutil
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "gateway"))

from gateway_support import wait_until

from v6.journal import connections, database, events
from v6.paths import Paths
from v6.session.status import StatusRow

pytestmark = pytest.mark.integration


class Log:
    def debug(self, message: str, /) -> None: ...
    def info(self, message: str, /) -> None: ...
    def warning(self, message: str, /) -> None:
        raise AssertionError(message)


@pytest.fixture
def row(home: Path) -> StatusRow:
    journal = Paths.locate().journal
    journal.parent.mkdir()
    return StatusRow(journal, "run_market_session", Log(), home=home, log_directory=home / "logs")


def test_what_is_said_is_in_the_journal_with_its_process(row: StatusRow) -> None:
    row.say(connections.RECONNECTING, "refused", attempts=2)
    row.say(connections.CONNECTED, "answered in 3 ms", client_id=12)
    [known] = connections.known(database.connect(Paths.locate().journal))
    assert (known.task, known.status, known.detail) == ("run_market_session", "connected", "answered in 3 ms")
    assert (known.attempts, known.client_id, known.pid) == (0, 12, psutil.Process().pid)


def test_an_alert_is_sent_at_once_and_leaves_no_zombie(row: StatusRow, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as service:
        service.settimeout(30)
        monkeypatch.setenv("V6_ALERT_URLS", f"json://127.0.0.1:{service.getsockname()[1]}")
        row.alert("failure", "the market session cannot connect", "refused", "session_disconnected")
        connection, _ = service.accept()
        with connection:
            assert connection.recv(65536).startswith(b"POST")
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
    assert wait_until(lambda: not psutil.Process().children(), 20)
    assert events.undelivered(database.connect(Paths.locate().journal), limit=1) == []
