"""`v6 metrics`."""

from collections.abc import Callable
from pathlib import Path

from typer.testing import CliRunner, Result

from v6.cli import app
from v6.journal.database import connect


def test_the_metrics_are_printed_and_nothing_is_written(v6: Callable[..., Result], home: Path) -> None:
    connect(home / "var" / "v6.db").close()
    shown = v6("metrics").stdout
    assert "# TYPE tws_restart_duration_seconds histogram\n" in shown
    assert 'tws_restart_state{state="normal"} 1.0\n' in shown
    assert not list(home.rglob("*.prom"))


def test_they_are_written_where_the_configuration_says(v6: Callable[..., Result], home: Path) -> None:
    assert v6("metrics", "--write").stdout == f"written to {home}/var/metrics/v6.prom\n"
    written = (home / "var" / "metrics" / "v6.prom").read_text()
    assert names(written) == names(v6("metrics").stdout)
    assert "v6_task_runs" in written


def names(text: str) -> list[str]:
    """Names and labels of the samples: their values move between two looks."""
    return [line.rpartition(" ")[0] for line in text.splitlines() if not line.startswith("#")]


def test_nothing_is_written_when_they_are_turned_off(home: Path) -> None:
    (home / "config").mkdir()
    (home / "config" / "production.yaml").write_text("metrics: {textfile: ''}\n")
    result = CliRunner().invoke(app, ["metrics", "--write"])
    assert result.exit_code == 2
    assert "metrics.textfile is empty" in result.output


def test_a_question_makes_no_journal_and_a_damaged_one_is_named(v6: Callable[..., Result], home: Path) -> None:
    assert "nothing has run here" in v6("metrics", code=2).stderr
    assert not list(home.rglob("v6.db*"))
    (home / "var" / "v6.db").write_text("no journal at all")
    for words in ((), ("--write",)):
        assert f"{home}/var/v6.db: file is not a database" in v6("metrics", *words, code=2).stderr


def test_a_folder_that_cannot_be_made_is_named(v6: Callable[..., Result], home: Path) -> None:
    (home / "var" / "metrics").write_text("in the way")
    assert f"{home}/var/metrics/v6.prom: " in v6("metrics", "--write", code=2).stderr
