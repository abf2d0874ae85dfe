"""Nothing counts as accepted that either that cron's own parser or our grammar refuses (L01)."""

import shutil
from pathlib import Path

import pytest

from v6.cron import acceptance
from v6.cron.flavour import Flavour

CRONTAB = shutil.which("crontab")
DEBIAN = Flavour("debian", True, (), CRONTAB, "")
GOOD = 'SHELL=/bin/sh\nV6_ROOT="/opt/v6 x"\n# root: 5 4 * * *\n*/5 9 * * 1-5 root "$V6_ROOT/a" --x\n@reboot root /b c\n'

needs_debians_cron = pytest.mark.skipif(CRONTAB is None, reason="cron is needed: dev/setup.sh --for-tests")


@needs_debians_cron
def test_l01_debians_parser_sees_a_system_file_without_its_users() -> None:
    assert acceptance.without_users(GOOD).splitlines()[3:] == ['*/5 9 * * 1-5 "$V6_ROOT/a" --x', "@reboot /b c"]
    assert acceptance.users_of(GOOD) == {"root"}
    assert acceptance.own_parser(GOOD, DEBIAN, True) == []


@needs_debians_cron
@pytest.mark.parametrize(
    "line", ["*/5 9 * * 1-5", "61 9 * * * root true", "*/5 9 * * mon-sum root true", "* * * * * * root true"]
)
def test_l01_a_line_that_spoils_the_whole_file_is_refused(line: str) -> None:
    assert acceptance.refusals(f"{GOOD}{line}\n", DEBIAN, True)


@needs_debians_cron
def test_the_other_lines_of_a_crontab_need_not_be_utf_8() -> None:
    assert acceptance.own_parser("# caf\udce9\n5 4 * * * true\n", DEBIAN, False) == []


@pytest.mark.parametrize(("user", "taken"), [("john.doe", True), ("V6", True), ("6", False), ("a/b", False)])
def test_a_users_name_may_have_a_dot_as_that_of_a_companys_directory(user: str, taken: bool) -> None:
    said = [line for line in acceptance.grammar(f"5 4 * * * {user} true\n", True) if "does not exist" not in line]
    assert (said == []) == taken


def test_l01_a_lines_length_is_counted_in_bytes_as_cron_does() -> None:
    assert acceptance.grammar(f"5 4 * * * root /opt/{'x' * 900}\n", True) == []
    assert "at most 998" in acceptance.grammar(f"5 4 * * * root /opt/{'é' * 900}\n", True)[0]


@needs_debians_cron
@pytest.mark.parametrize("line", ["1#2 9 * * * root true", "0 9 * * * root date +%F"])
def test_l01_what_debians_parser_takes_and_misreads_our_grammar_refuses(line: str) -> None:
    text = f"{GOOD}{line}\n"
    assert acceptance.own_parser(text, DEBIAN, True) == []
    assert acceptance.grammar(text, True) != []


@needs_debians_cron
def test_l01_a_user_that_does_not_exist_is_refused() -> None:
    """Debian's `crontab -n` cannot tell: it knows no column of users."""
    text = "0 9 * * * v6nobody true\n"
    assert acceptance.own_parser(text, DEBIAN, True) == []
    assert "v6nobody does not exist" in acceptance.refusals(text, DEBIAN, True)[0]


def test_cronies_parser_is_asked_its_own_way(tmp_path: Path) -> None:
    """A stand-in for its program: it records how it was called, and refuses a file with `bad` in it."""
    program = tmp_path / "crontab"
    program.write_text(f'#!/bin/sh\necho "$1" >"{tmp_path}/called"\n! grep -n bad "$2" >&2\n')
    program.chmod(0o755)
    cronie = Flavour("cronie", True, (), str(program), "")
    assert acceptance.own_parser(GOOD, cronie, True) == []
    assert (tmp_path / "called").read_text() == "-T\n"
    assert "bad" in acceptance.own_parser(f"{GOOD}# bad\n", cronie, True)[0]


def test_a_parser_that_cannot_be_asked_refuses(tmp_path: Path) -> None:
    assert acceptance.own_parser(GOOD, Flavour("none", False, (), None, "nothing found"), True)
    gone = Flavour("debian", True, (), str(tmp_path / "gone"), "")
    assert "cannot be asked" in acceptance.own_parser(GOOD, gone, True)[0]
