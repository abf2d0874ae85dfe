"""Where values come from, and how wrong ones are refused."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from v6.config.errors import ConfigError
from v6.config.load import load
from v6.paths import Paths

ROOT = Path(__file__).resolve().parents[2]
Write = Callable[[str], None]


def refusal(paths: Paths, environ: dict[str, str] | None = None) -> str:
    with pytest.raises(ConfigError) as error:
        load(paths, environ or {})
    return str(error.value)


def test_the_defaults_load_and_say_where_they_come_from(paths: Paths) -> None:
    config = load(paths, {})
    assert config.settings.ibkr.port == 7497
    assert config.origin["ibkr.port"] == "config/default.yaml"
    assert set(config.scheduler.tasks) == {
        "queue_option_contracts",
        "validate_ib_connection",
        "schedule_935_et",
        "collect_option_snapshots",
        "collect_futures_snapshots",
        "run_market_session",
        "resume_market_session",
        "load_enhanced_market_data",
        "calculate_intraday_statistics",
        "validate_positions",
        "final_data_collection",
        "calculate_daily_statistics",
        "validate_data_quality",
        "load_historical_data",
        "audit_data_integrity",
        "refresh_calendar",
        "cleanup_old_data",
        "health_check",
        "pre_restart",
        "post_restart",
        "recover_restart",
        "validate_server_reset",
        "prove_live_data",
    }
    assert config.warnings == ()


def test_later_sources_win_and_are_named(paths: Paths, site: Write, dotenv: Write) -> None:
    site("ibkr: {port: 4001, host: site}\n")
    dotenv("IBKR_HOST=dotenv\nIBKR_PORT=4002\n")
    config = load(paths, {"IBKR_PORT": "7496"})
    assert (config.settings.ibkr.host, config.settings.ibkr.port) == ("dotenv", 7496)
    assert config.origin["ibkr.host"] == ".env: IBKR_HOST"
    assert config.origin["ibkr.port"] == "environment: IBKR_PORT"
    assert load(paths, {}).settings.ibkr.port == 4002
    assert config.environment["IBKR_HOST"] == "dotenv"


def test_an_empty_variable_is_not_set(paths: Paths) -> None:
    assert load(paths, {"IBKR_HOST": "", "SCHEDULER_ENABLE_ALL": ""}).settings.ibkr.host == "127.0.0.1"


def test_v6_config_names_another_file_which_must_exist(paths: Paths, tmp_path: Path) -> None:
    other = tmp_path / "other.yaml"
    elsewhere = Paths(paths.root, paths.home, other)
    assert refusal(elsewhere) == f"V6_CONFIG: {other}: does not exist"
    other.write_text("ibkr: {port: 1234}\n")
    config = load(elsewhere, {})
    assert config.origin["ibkr.port"] == str(other)


def test_sections_merge_and_mappings_that_are_values_replace(paths: Paths, site: Write) -> None:
    site("futures: {symbols: {ES: CME}}\nibkr: {market_data_lines: {options: 40}}\n")
    settings = load(paths, {}).settings
    assert settings.futures.symbols == {"ES": "CME"}
    assert (settings.ibkr.market_data_lines.options, settings.ibkr.market_data_lines.futures) == (40, 10)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("ibkr: {prot: 1}", "config/production.yaml: ibkr.prot: unknown key, allowed: "),
        ("ibkr: {port: '7497'}", "config/production.yaml: ibkr.port: '7497' is wrong, allowed: a valid integer"),
        (
            "ibkr: {port: 70000}",
            "config/production.yaml: ibkr.port: 70000 is wrong, allowed: less than or equal to 65535",
        ),
        (
            "ibkr: {persistent_connection: often}",
            "config/production.yaml: ibkr.persistent_connection: 'often' is wrong, allowed: a valid boolean",
        ),
        (
            "universe: {symbols: [SPY, 1]}",
            "config/production.yaml: universe.symbols.1: 1 is wrong, allowed: a valid string",
        ),
        (
            "nonsense: 1",
            "config/production.yaml: nonsense: unknown key, allowed: alerts, bars, futures, health, heartbeat, ibkr, "
            "install, lake, metrics, positions, quality, restart, retention, scheduler, session, statistics, tws, "
            "universe",
        ),
        ("restart: {client_id: 12}", "config/production.yaml: restart.client_id: 12 lies in the pool"),
        ("ibkr: {diagnose_client_id: 30}", "config/production.yaml: ibkr.diagnose_client_id: 30 lies in the pool"),
        ("ibkr: {diagnose_client_id: 9}", "ibkr.diagnose_client_id: 9 is restart.client_id, allowed: another one"),
        (
            "session: {cycle_minutes: 7}",
            "config/production.yaml: session.cycle_minutes: 7 is wrong, allowed: 5, 10, 15",
        ),
        ("restart: {owner_client_ids: [3, 99]}", "restart.owner_client_ids: 99 lies in the pool, any run may get one"),
        ("restart: {essential_tasks: [nobody]}", "restart.essential_tasks: nobody is not a task, allowed: "),
        ('restart: {weekly_login: {time: "25:00"}}', "restart.weekly_login.time: '25:00' is wrong, allowed: "),
        (
            "restart: {hooks: {pre_restart: [sh, -c, pause]}}",
            "restart.hooks.pre_restart: ['sh', '-c', 'pause'] is wrong, allowed: a list of commands, each a list of "
            "its words, such as [[/usr/local/bin/pause, --now]]",
        ),
        (
            "restart: {hooks: {restart_complete: go}}",
            "restart.hooks.restart_complete: 'go' is wrong, allowed: a list of",
        ),
        ("restart: {hooks: {restart_complete: [[1]]}}", "restart.hooks.restart_complete.0.0: 1 is wrong, allowed: "),
        ("tws: {start_command: /usr/bin/tws}", "tws.start_command: '/usr/bin/tws' is wrong, allowed: a list"),
        ("scheduler: {timezone: America/Nowhere}", "scheduler.timezone: 'America/Nowhere' is not a time zone"),
        ("scheduler: {tasks: {Bad-Name: {}}}", "scheduler.tasks.Bad-Name"),
    ],
)
def test_wrong_settings_are_refused_by_file_key_and_what_is_allowed(
    paths: Paths, site: Write, text: str, message: str
) -> None:
    site(f"{text}\n")
    assert message in refusal(paths)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("statistics: {low_vol: 0.3, high_vol: 0.28}", "statistics: low_vol 0.3 is not below high_vol 0.28"),
        ("universe: {min_expiries: 5}", "universe: max_expiries 4 is less than min_expiries 5"),
        ("scheduler: {tasks: {health_check: {frequency: daily}}}", "scheduler.tasks.health_check"),
        ("ibkr: {first_client_id: 9}", "restart.client_id: 9 lies in the pool"),
        ("restart: {client_id: 8}", "ibkr.diagnose_client_id: 8 is restart.client_id"),
    ],
)
def test_what_does_not_go_together_is_refused_by_the_file_that_was_last_to_set_some_of_it(
    paths: Paths, site: Write, text: str, message: str
) -> None:
    site(f"{text}\n")
    lines = [line for line in refusal(paths, {"SCHEDULER_ENABLE_ALL": "true"}).splitlines() if message in line]
    assert lines
    assert all(line.startswith("config/production.yaml: ") for line in lines), lines


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("bars: {watchlist: [SPY, AAPL, SPY]}", "bars.watchlist: SPY more than once, allowed: each symbol once"),
        ("bars: {watchlist: [spy]}", "bars.watchlist.0: 'spy' is wrong, allowed: a capital letter, then up to 15"),
        ("bars: {indices: {$VIX: CBOE}}", "bars.indices.$VIX: '$VIX' is wrong, allowed: a capital letter, then"),
        ("retention: {tables: {option_snapshots: null}}", "null is wrong, allowed: days, 7 or more; a table that is"),
        ("retention: {tables: {option_snapshots: 6}}", "6 is wrong, allowed: greater than or equal to 7"),
        ("lake: {root: null}", "lake.root: null is wrong, allowed: a valid string"),
    ],
)
def test_a_refusal_speaks_the_users_language(paths: Paths, site: Write, text: str, message: str) -> None:
    site(f"{text}\n")
    said = refusal(paths)
    assert message in said
    assert "config/production.yaml: " in said


def test_retentions_are_checked_together_with_everything_else(paths: Paths, site: Write) -> None:
    site("ibkr: {port: 0}\nretention: {tables: {bars: 90, option_snapshots: 1}}\nstatistics: {low_vol: 0.5}\n")
    assert len(refusal(paths).splitlines()) == 4


def test_commands_of_hooks_are_lists_of_words(paths: Paths, site: Write) -> None:
    site("restart: {hooks: {pre_restart: [[/usr/local/bin/pause, --now]]}}\n")
    assert load(paths, {}).settings.restart.hooks.pre_restart == (("/usr/local/bin/pause", "--now"),)


def test_every_problem_is_listed_at_once(paths: Paths, site: Write) -> None:
    site("ibkr: {port: 0, host: 1}\nuniverse: {min_dte: -1}\n")
    assert len(refusal(paths).splitlines()) == 3


def test_enabling_one_task_only(paths: Paths) -> None:
    environ = {"SCHEDULER_ENABLE_ALL": "false", "SCHEDULER_HEALTH_CHECK_ENABLED": "true"}
    config = load(paths, environ)
    assert [name for name, task in config.scheduler.tasks.items() if task.enabled] == ["health_check"]
    assert config.origin["scheduler.tasks.health_check.enabled"] == "environment: SCHEDULER_HEALTH_CHECK_ENABLED"
    assert config.origin["scheduler.tasks.schedule_935_et.enabled"] == "environment: SCHEDULER_ENABLE_ALL"


def test_a_name_in_dotenv_beats_enable_all_in_the_environment(paths: Paths, dotenv: Write) -> None:
    dotenv("SCHEDULER_HEALTH_CHECK_ENABLED=yes\nSCHEDULER_SCHEDULE_935_ET_ENABLED=1\n")
    environ = {"SCHEDULER_ENABLE_ALL": "false", "SCHEDULER_SCHEDULE_935_ET_ENABLED": "off"}
    tasks = load(paths, environ).scheduler.tasks
    assert [name for name, task in tasks.items() if task.enabled] == ["health_check"]


def test_enable_all_true_leaves_the_yaml_alone(paths: Paths, site: Write) -> None:
    site("scheduler: {tasks: {health_check: {enabled: false}}}\n")
    assert not load(paths, {"SCHEDULER_ENABLE_ALL": "true"}).scheduler.tasks["health_check"].enabled


def test_misspelt_switches_are_refused_in_dotenv_and_warned_about_in_the_environment(
    paths: Paths, dotenv: Write
) -> None:
    config = load(paths, {"SCHEDULER_HEALTH_CHEK_ENABLED": "false"})
    assert config.warnings[0].startswith(
        "environment: SCHEDULER_HEALTH_CHEK_ENABLED: nothing reads this name, allowed: "
    )
    dotenv("SCHEDULER_HEALTH_CHEK_ENABLED=false\n")
    assert refusal(paths).startswith(".env: SCHEDULER_HEALTH_CHEK_ENABLED: nothing reads this name")


@pytest.mark.parametrize(
    "name", ["SCHEDULER_ENABLE_ALL", "SCHEDULER_HEALTH_CHECK_ENABLED", "FORCE_RUN", "IBKR_FORCE_DISCONNECT"]
)
def test_a_switch_must_be_true_or_false(paths: Paths, dotenv: Write, name: str) -> None:
    assert f"environment: {name}: 'maybe' is neither true nor false" in refusal(paths, {name: "maybe"})
    dotenv(f"{name}=maybe\n")
    assert f".env: {name}: 'maybe' is neither true nor false" in refusal(paths)


def test_places_cannot_be_set_in_dotenv(paths: Paths, dotenv: Write) -> None:
    dotenv("V6_HOME=/elsewhere\n")
    assert "V6_HOME: is read before this file is found" in refusal(paths)


def test_files_that_others_can_read_are_warned_about(paths: Paths, site: Write) -> None:
    site("ibkr: {port: 4001}\n")
    paths.production_config.chmod(0o644)
    assert "mode 0600" in load(paths, {}).warnings[0]


def test_the_examples_load(paths: Paths) -> None:
    shutil.copy(ROOT / "config" / "production.yaml.example", paths.production_config)
    shutil.copy(ROOT / ".env.example", paths.dotenv)
    config = load(paths, {})
    assert "weekday_morning" not in config.scheduler.restart_windows
    assert config.scheduler.tasks["collect_apple_options"].args == ("--symbols", "AAPL")
    for task in config.scheduler.tasks.values():  # a symbol outside the universe is refused at every slot
        if "--symbols" in task.args:
            assert set(task.args[task.args.index("--symbols") + 1 :]) <= set(config.settings.universe.symbols)


def test_the_dotenv_example_names_every_variable_and_its_lines_are_valid(paths: Paths) -> None:
    text = (ROOT / ".env.example").read_text()
    listed = {
        line.removeprefix("#").partition("=")[0] for line in text.splitlines() if "=" in line and line[1:2] != " "
    }
    tasks = load(paths, {}).scheduler.tasks
    assert {f"SCHEDULER_{name.upper()}_ENABLED" for name in tasks} <= listed
    assert listed >= {
        "SCHEDULER_ENABLE_ALL", "SCHEDULER_FORCE_RUN", "FORCE_RUN", "IBKR_HOST", "IBKR_PORT",
        "IBKR_PERSISTENT_CONNECTION", "IBKR_FORCE_DISCONNECT",
    }  # fmt: skip
    assert "V6_HOME" in text
    assert "V6_CONFIG" in text
    paths.dotenv.write_text(
        "\n".join(line.removeprefix("#") if "=" in line and line[1:2] != " " else "" for line in text.splitlines())
    )
    paths.dotenv.chmod(0o600)
    config = load(paths, {})
    assert config.warnings == ()
    assert config.settings == load(paths, {}).settings


def test_the_checkouts_own_configuration_loads(home: Path) -> None:
    """L02: every task that is listed has its script."""
    assert load(Paths(ROOT, home), {}).scheduler.tasks
