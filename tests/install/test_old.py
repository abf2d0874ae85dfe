"""What came before V6's own installation is known for what it is."""

import os
from pathlib import Path

import pytest

from v6.cron.roots import Roots
from v6.install import old


@pytest.fixture
def roots(tmp_path: Path) -> Roots:
    roots = Roots(tmp_path / "etc", tmp_path / "proc", tmp_path / "spool", tmp_path / "kept", (tmp_path / "systemd",))
    for folder in (roots.etc / "systemd" / "system", roots.proc, roots.spool / "crontabs"):
        folder.mkdir(parents=True)
    return roots


def shown(roots: Roots, flavour: str = "debian") -> list[str]:
    return [one.words for one in old.find(roots, "root", system=True, flavour=flavour)]


@pytest.mark.parametrize(
    ("words", "is_one"),
    [
        ("bash|/opt/v6/START_TRADER.sh", True),
        ("/opt/v6/START_TRADER.sh", True),
        ("/usr/bin/python3.11|-u|test_runner_connection.py|--loop", True),
        ("nohup|./START_TRADER.sh", True),
        ("vim|START_TRADER.sh", False),
        ("grep|START_TRADER.sh", False),
        ("bash|-c|echo START_TRADER.sh.bak", False),
        ("python3|-m|robo_trader.runner_async|--symbols|AAPL", True),
        ("python|-m|robo_trader.websocket_server", True),
        ("python3|/opt/v6-trading/run_production.py", True),
        ("bash|/home/me/robo-trader/scripts/watchdog.sh", True),
        ("bash|/usr/lib/disks/watchdog.sh", False),
        ("python3|run_production.py", False),
    ],
)
def test_a_loop_is_what_runs_it_not_what_shows_it(roots: Roots, words: str, is_one: bool) -> None:
    (roots.proc / "4321").mkdir()
    (roots.proc / "4321" / "cmdline").write_bytes(words.replace("|", "\0").encode() + b"\0")
    assert bool(shown(roots)) == is_one


def test_a_loop_with_anybodys_name_is_known_by_the_folder_it_works_in(roots: Roots) -> None:
    (roots.proc / "4321").mkdir()
    (roots.proc / "4321" / "cmdline").write_bytes(b"bash\0./watchdog.sh\0")
    (roots.proc / "4321" / "cwd").symlink_to("/srv/disks")
    assert shown(roots) == []
    (roots.proc / "4321" / "cwd").unlink()
    (roots.proc / "4321" / "cwd").symlink_to("/srv/v6-trading/scripts")
    assert [words.split(":")[0] for words in shown(roots)] == ["an older loop"]


def test_the_older_guides_units_are_known_and_the_gateways_is_none(roots: Roots) -> None:
    folder = roots.etc / "systemd" / "system"
    services = [
        f"v6-{name}.service" for name in ("trading", "position-sync", "health-check", "paper-trading", "dashboard")
    ]
    known = [*services, "v6-trading.timer", "v6-health-check.timer", "v6-backup.timer"]
    for name in (*known, "ib-gateway.service", "v6-something.service"):
        (folder / name).write_text("[Unit]\n")
    (folder / "v6-backup.service").symlink_to(os.devnull)  # masked: it can start nothing
    assert sorted(words.rpartition("/")[2] for words in shown(roots)) == sorted(known)


def test_a_unit_is_kept_before_it_is_ended(roots: Roots) -> None:
    unit = roots.etc / "systemd" / "system" / "v6-paper-trading.service"
    unit.write_text("[Unit]\n")
    (one,) = old.find(roots, "root", system=True, flavour="debian")
    assert "is ended and moved to" in one.take()
    assert not unit.exists()
    assert [copy.read_text() for copy in roots.kept.iterdir()] == ["[Unit]\n"]


def test_an_older_installers_copies_in_cron_d_are_a_second_schedule_for_cronie(roots: Roots) -> None:
    roots.cron_d.mkdir()
    copy, plain = roots.cron_d / "v6-trading.backup.20260105", roots.cron_d / "trader"
    copy.write_text("0 9 * * 1-5 root /old/run.sh\n")
    plain.write_text("0 9 * * 1-5 root /old/scripts/cron_wrapper.sh x\n")
    (roots.cron_d / "v6-trading").write_text("0 9 * * 1-5 root /old/scripts/cron_wrapper.sh x\n")  # the target itself
    (roots.cron_d / ".v6-trading.new").write_text("0 9 * * 1-5 root /old/scripts/cron_wrapper.sh x\n")
    (roots.cron_d / "e2scrub_all").write_text("30 3 * * 0 root test -e /run/systemd/system || true\n")
    other, backup = shown(roots)
    assert other == f"an older schedule: {plain}: cron runs it beside V6's"
    assert backup == f"an older schedule: {copy}: Debian's cron ignores its name, cronie would run it"
    assert "cron runs it" in shown(roots, "cronie")[1]
    for one in old.find(roots, "root", system=True, flavour="debian"):
        one.take()
    assert sorted(path.name for path in roots.cron_d.iterdir()) == [".v6-trading.new", "e2scrub_all", "v6-trading"]
    assert len(list(roots.kept.iterdir())) == 2


def test_nothing_is_shown_where_nothing_is(roots: Roots) -> None:
    (roots.spool / "crontabs" / "root").write_text(
        "5 4 * * * true # cron_wrapper.py\n#0 9 * * * /old/cron_wrapper.sh x\n"
    )
    assert shown(roots) == []


def test_v6s_lines_in_a_personal_crontab_are_shown_beside_a_system_file(roots: Roots) -> None:
    (roots.spool / "crontabs" / "root").write_text("0 9 * * 1-5 /old/scripts/cron_wrapper.sh collect\n")
    assert shown(roots) == ["the crontab of root has lines of V6 too: crontab -l -u root"]


def test_a_native_timer_of_our_name_hides_the_file_from_systemd_cron(roots: Roots) -> None:
    (roots.etc / "systemd" / "system" / "v6-trading.timer").write_text("[Timer]\n")
    (beside,) = old.find(roots, "root", system=True, flavour="debian")
    assert not beside.in_the_way
    (hidden,) = old.find(roots, "root", system=True, flavour="systemd-cron")
    assert hidden.in_the_way
    assert "systemd-cron ignores" in hidden.words
