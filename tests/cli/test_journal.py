"""`v6 journal`: what is wrong with it, and what a repair saved."""

import json
import os
import subprocess
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import Result

from v6 import file_locks
from v6.journal import events
from v6.journal.database import connect

Command = Callable[..., Result]
Answer = Callable[..., object]


@pytest.fixture
def journal(home: Path) -> Path:
    path = home / "var" / "v6.db"
    with closing(connect(path)) as db:
        events.record(db, "test", "before the damage")
    return path


def damage(path: Path) -> bytes:
    path.write_bytes(b"garbage" * 1000)
    return path.read_bytes()


def test_a_whole_journal_is_whole_and_not_repaired(v6: Command, answer: Answer, journal: Path) -> None:
    assert v6("journal", "check").stdout == f"{journal} is whole\n"
    assert answer("journal", "check") == {"journal": str(journal), "flaws": []}
    assert "is not damaged: nothing to repair" in v6("journal", "repair", code=2).output


def test_without_a_journal_check_says_so_and_makes_none(v6: Command, home: Path) -> None:
    assert "the next run makes a new one" in v6("journal", "check", code=2).output
    assert not (home / "var" / "v6.db").exists()


def test_a_damaged_one_is_named_with_what_helps(v6: Command, answer: Answer, journal: Path) -> None:
    before = damage(journal)
    said = v6("journal", "check", code=1).stdout
    assert said.splitlines()[0] == f"{journal} is damaged"
    assert "file is not a database" in said
    assert "v6 journal repair" in said
    assert "v6 lake restore DIR --journal" in said
    assert json.dumps(answer("journal", "check", code=1)) == json.dumps(
        {"journal": str(journal), "flaws": ["file is not a database"]}
    )
    assert journal.read_bytes() == before


def test_a_repair_says_what_it_saved_and_where_the_old_one_is(v6: Command, journal: Path) -> None:
    before = damage(journal)
    said = " ".join(v6("journal", "repair").stdout.split())
    [aside] = journal.parent.glob("v6.db.damaged-*")
    assert aside.read_bytes() == before
    assert f"the damaged journal is kept as {aside}" in said
    assert "runs 0 NO" in said
    assert v6("journal", "check").stdout == f"{journal} is whole\n"
    with closing(connect(journal)) as db:
        [event] = events.recent(db)
    assert event.kind == "journal_repaired"
    assert str(aside) in event.text
    assert "journal_repaired" in v6("events").stdout


def test_a_repair_waits_for_what_runs_and_names_it(v6: Command, journal: Path) -> None:
    before = damage(journal)
    (journal.parent / "locks").mkdir(exist_ok=True)
    held = file_locks.acquire(journal.parent / "locks" / "health_check.lock")
    assert held is not None
    assert "in use by health_check" in v6("journal", "repair", code=2).output
    os.close(held)
    assert journal.read_bytes() == before


@pytest.mark.integration
@pytest.mark.skipif(os.geteuid() != 0, reason="giving a folder to another user needs root")
@pytest.mark.parametrize("what", ["check", "repair"])
def test_another_user_is_told_whose_it_is(
    command: Callable[..., "subprocess.CompletedProcess[str]"], journal: Path, what: str
) -> None:
    """A file that root leaves beside it would lock the jobs out."""
    os.chown(journal.parent, 65534, 65534)
    done = command("journal", what, code=2)
    assert f"sudo -u nobody .venv/bin/v6 journal {what}" in done.stderr
