"""`v6 metrics`."""

from collections.abc import Callable
from pathlib import Path

from typer.testing import CliRunner, Result

from v6.cli import app


def test_the_metrics_are_printed_and_nothing_is_written(v6: Callable[..., Result], home: Path) -> None:
    shown = v6("metrics").stdout
    assert "# TYPE tws_restart_duration_seconds histogram\n" in shown
    assert 'tws_restart_state{state="normal"} 1.0\n' in shown
    assert not list(home.rglob("*.prom"))


def test_they_are_written_where_the_configuration_says(v6: Callable[..., Result], home: Path) -> None:
    assert v6("metrics", "--write").stdout == f"written to {home}/var/metrics/v6.prom\n"
    assert (home / "var" / "metrics" / "v6.prom").read_text() == v6("metrics").stdout


def test_nothing_is_written_when_they_are_turned_off(home: Path) -> None:
    (home / "config").mkdir()
    (home / "config" / "production.yaml").write_text("metrics: {textfile: ''}\n")
    result = CliRunner().invoke(app, ["metrics", "--write"])
    assert result.exit_code == 2
    assert "metrics.textfile is empty" in result.output
