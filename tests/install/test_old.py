"""What came before V6's own installation is known for what it is."""

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
    ],
)
def test_a_loop_is_what_runs_it_not_what_shows_it(roots: Roots, words: str, is_one: bool) -> None:
    (roots.proc / "4321").mkdir()
    (roots.proc / "4321" / "cmdline").write_bytes(words.replace("|", "\0").encode() + b"\0")
    assert bool(shown(roots)) == is_one


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
