"""What Debian's real cron ignores without a word to anybody, and our grammar refuses before (L01)."""

from pathlib import Path

import pytest

from real_cron import new_york
from toy_checkout import wait_until
from v6.scheduler.crontab_grammar import CrontabError, check

from .conftest import MakeHost

pytestmark = pytest.mark.integration

BROKEN = {
    "six-fields": "0 30 9 * * 1-5 root true\n",
    "minute-99": "99 * * * * root true\n",
    "no-user": "* * * * * nobody-of-this-name true\n",
    "long": f"* * * * * root true {'x' * 1000}\n",
    "unended": "* * * * * root true",
}
OUR_GRAMMARS = sorted(set(BROKEN) - {"no-user"})
"""The users of a host are not the grammar's to know."""


def test_l01_the_daemon_ignores_a_whole_file_for_one_bad_line(host: MakeHost, tmp_path: Path) -> None:
    there = host("America/New_York")
    good = "* * * * * root touch '{}'\n"
    for name, line in BROKEN.items():
        there.install(name, good.format(tmp_path / name) + line)
    there.install("a.dot", good.format(tmp_path / "a.dot"))
    there.install("writable", good.format(tmp_path / "writable"), mode=0o664)
    there.install("whole", good.format(tmp_path / "whole"))
    with there.cron(new_york("2026-11-23 09:35")):
        wait_until((tmp_path / "whole").exists)
        there.wait_for_jobs()
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["whole"]
    said = "\n".join(there.said())
    assert "bad hour; while reading /etc/cron.d/six-fields" in said
    assert "bad minute; while reading /etc/cron.d/minute-99" in said
    assert "bad username; while reading /etc/cron.d/no-user" in said
    assert "a.dot" not in said


@pytest.mark.parametrize("name", OUR_GRAMMARS)
def test_l01_our_grammar_refuses_what_the_daemon_ignores(name: str) -> None:
    check("* * * * * root true\n", system=True)
    with pytest.raises(CrontabError):
        check(f"* * * * * root true\n{BROKEN[name]}", system=True)
