"""Lines that a person has commented out in the installed file stay out of the next one."""

import pytest

from v6.cron.kept_out import disabled, kept_out, not_kept

CALL = '"$V6_ROOT/scripts/cron_wrapper.sh" --slot'
BODY = f"""# V6 on a host in America/New_York. Written by `v6 schedule render`: change the schedule, not this file.
SHELL=/bin/sh

# collect: Quotes
30-55/5 9 * * 1-5 v6 {CALL} scripts/collect.py
*/5 10-15 * * 1-5 v6 {CALL} scripts/collect.py

# check: Health, 10 11 * * 1 of it
*/15 * * * * v6 {CALL} scripts/check.py

# start: After a start of the host
@reboot v6 {CALL} scripts/check.py --after-boot
"""


def off(body: str, part: str, mark: str = "#") -> str:
    """As a person does it."""
    edited = "".join(f"{mark}{line}" if part in line else line for line in body.splitlines(keepends=True))
    assert edited != body
    return edited


@pytest.mark.parametrize("mark", ["#", "# ", "##  ", "#\t"])
def test_a_task_that_is_commented_out_stays_out(mark: str) -> None:
    edited = off(BODY, "scripts/collect.py", mark)
    assert disabled(edited) == ("collect",)
    assert kept_out(BODY, edited) == off(BODY, "scripts/collect.py")
    assert not_kept(kept_out(BODY, edited), edited) == []


def test_one_line_of_a_task_and_a_reboot_line_stay_out_too() -> None:
    edited = off(off(BODY, "*/5 10-15"), "@reboot")
    assert disabled(edited) == ("collect", "start")
    assert kept_out(BODY, edited) == edited


def test_what_nobody_touched_is_not_disabled() -> None:
    assert disabled(BODY) == ()
    assert kept_out(BODY, BODY) == BODY


def test_a_task_stays_out_when_its_times_have_changed() -> None:
    edited = off(BODY, "scripts/check.py")
    later = BODY.replace("*/15 * * * *", "7,37 * * * *")
    assert disabled(kept_out(later, edited)) == ("check", "start")
    assert "7,37" in kept_out(later, edited)


def test_a_commented_line_of_which_nothing_is_left_is_told() -> None:
    edited = off(BODY, "*/5 10-15")
    later = BODY.replace("*/5 10-15", "*/5 10-14").replace("30-55/5 9", "*/5 15")
    assert "no longer runs" in not_kept(kept_out(later, edited), edited)[0]  # all lies within what was commented out
    moved = BODY.replace("*/5 10-15", "2 10-15").replace("30-55/5 9", "2 9")
    assert "all of it is in" in not_kept(kept_out(moved, edited), edited)[0]


def test_a_line_of_ones_own_in_the_place_of_ours_is_told() -> None:
    edited = off(BODY, "*/15").replace("# start:", f"17 * * * * v6 {CALL} scripts/check.py\n# start:")
    assert "no longer runs" in not_kept(kept_out(BODY, edited), edited)[0]


def test_a_task_that_is_gone_is_told_when_it_was_commented_out() -> None:
    edited = off(BODY, "scripts/collect.py")
    without = "".join(line for line in BODY.splitlines(keepends=True) if "collect" not in line)
    assert not_kept(kept_out(without, edited), edited) == ["collect was commented out and is no task any more"]


def test_who_removes_the_mark_has_the_line_back() -> None:
    edited = off(BODY, "scripts/collect.py")
    assert kept_out(BODY, kept_out(BODY, edited).replace("#30-55", "30-55")) == off(BODY, "*/5 10-15")
