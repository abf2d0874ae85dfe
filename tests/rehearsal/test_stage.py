"""The stage of a rehearsal shares nothing with the one who started it."""

from datetime import datetime
from pathlib import Path

import pytest

from v6.clock import NEW_YORK
from v6.config.load import load
from v6.config.yaml_file import parse
from v6.model import FatalError
from v6.paths import ROOT
from v6.rehearsal.rehearse import Plan, configuration
from v6.rehearsal.stage import Stage, free_home
from v6.rehearsal.window import Window

MINUTE = datetime(2026, 11, 20, 9, 35, tzinfo=NEW_YORK)


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    built = Stage(tmp_path / "stage")
    built.build({"ibkr": {"port": 4711}}, {})
    return built


def test_its_jobs_get_what_cron_gives_and_nothing_of_the_caller(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IBKR_PORT", "7496")
    monkeypatch.setenv("V6_ALERT_URLS", "slack://token")

    environ = stage.environ()

    assert set(environ) == {"HOME", "LOGNAME", "PATH", "SHELL", "V6_HOME", "V6_CLOCK_FILE"}
    assert environ["V6_HOME"] == str(stage.home)


def test_its_configuration_is_readable_by_its_owner_only(stage: Stage) -> None:
    assert stage.paths.production_config.stat().st_mode & 0o077 == 0


def test_its_clock_reads_a_moment_after_the_minute(stage: Stage) -> None:
    stage.set_clock(MINUTE.timestamp() - 3600)

    stage.step_to(MINUTE)

    assert 1.0 <= stage.epoch() - MINUTE.timestamp() < 2.0


def test_its_clock_never_goes_back_while_it_walks(stage: Stage) -> None:
    stage.set_clock(MINUTE.timestamp() + 90)

    stage.step_to(MINUTE)

    assert stage.epoch() - MINUTE.timestamp() >= 90


def test_it_is_never_built_over_another_home(stage: Stage) -> None:
    with pytest.raises(FatalError, match="is not empty"):
        Stage(stage.home).build({}, {})


def test_rehearsals_of_a_day_are_numbered(tmp_path: Path) -> None:
    (tmp_path / "2026-11-20-1").mkdir()

    assert free_home(tmp_path, "2026-11-20") == tmp_path / "2026-11-20-2"


def test_the_example_of_a_site_can_be_rehearsed(tmp_path: Path) -> None:
    site = parse((ROOT / "config" / "production.yaml.example").read_text(encoding="utf-8"), "example")
    stage = Stage(tmp_path / "stage")
    stage.build(site, {})

    stage.configure(configuration(Plan((Window(MINUTE, MINUTE),), site), stage, 4711))

    config = load(stage.paths, {})
    assert config.settings.ibkr.port == 4711
    assert config.scheduler.restart_windows["daily_restart"].end == "00:10"


@pytest.mark.parametrize("text", ["08:05", "07:55", "no", "010", "1_000", "null", "1e3", "2026-11-20", "a\nb"])
def test_text_stays_text_in_its_configuration(stage: Stage, text: str) -> None:
    stage.configure({"ibkr": {"host": text}})

    assert parse(stage.paths.production_config.read_text(encoding="utf-8"), "") == {"ibkr": {"host": text}}
