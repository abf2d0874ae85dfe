"""A variable or a name that nothing reads would silence an alert or a heartbeat: it is refused by name."""

import pytest

from v6.config.errors import ConfigError
from v6.config.load import load
from v6.paths import Paths
from v6.scheduler.side_channels import HEARTBEATS, settings, wants_metrics


@pytest.mark.parametrize("name", ["V6_ALERT_URL", "V6_HEARTBEAT_URLS", "V6_HEARTBEAT_URL_NO_SUCH_TASK"])
def test_a_misspelt_variable_in_dotenv_is_refused(paths: Paths, name: str) -> None:
    paths.dotenv.write_text(f"{name}=https://example.com/secret\n")
    with pytest.raises(ConfigError, match=f"{name}: nothing reads this name, allowed: V6_ALERT_URLS") as refused:
        load(paths, {})
    assert "secret" not in str(refused.value)


def test_in_the_environment_it_is_a_warning(paths: Paths) -> None:
    assert any("V6_ALERT_URL: nothing reads" in words for words in load(paths, {"V6_ALERT_URL": "x"}).warnings)


def test_a_heartbeat_of_no_task_is_refused(paths: Paths) -> None:
    paths.production_config.write_text("heartbeat: {tasks: [health_check, helth_check]}\n")
    with pytest.raises(ConfigError, match=r"heartbeat\.tasks: 'helth_check' is no task, allowed: all, or of "):
        load(paths, {})


def test_only_the_names_of_tasks_with_an_address_are_compiled(paths: Paths) -> None:
    paths.dotenv.write_text("V6_HEARTBEAT_URL=https://example.com/secret\nV6_HEARTBEAT_URL_PRE_RESTART=https://x/y\n")
    compiled = settings(load(paths, {}))
    assert compiled[HEARTBEATS] == "health_check,pre_restart"
    assert "secret" not in "".join(compiled.values())
    paths.production_config.write_text("heartbeat: {tasks: all}\n")
    everything = load(paths, {})
    assert settings(everything)[HEARTBEATS].split(",") == list(everything.scheduler.tasks)


def test_whether_metrics_are_wanted_is_compiled(paths: Paths) -> None:
    assert wants_metrics(settings(load(paths, {})))
    paths.production_config.write_text("metrics: {textfile: ''}\n")
    assert not wants_metrics(settings(load(paths, {})))
    assert wants_metrics({}), "of a schedule that does not say: the dispatcher looks"
