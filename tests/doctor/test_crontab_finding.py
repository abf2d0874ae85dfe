"""health_check's cheap look at the installed lines: a finding of its own, and no rendering while nothing changed."""

from contextlib import closing

import pytest
from ward import USER, ZONE, Ward

from v6.analysis.findings import Finding
from v6.checks import crontab
from v6.cron import installed
from v6.journal import database, marks

pytestmark = pytest.mark.long


def look(ward: Ward) -> Finding:
    """As a run of health_check does."""
    context = ward.patient().context
    with closing(database.connect(ward.paths.journal)) as context.journal:
        return crontab.crontab(context, ward.roots)


@pytest.fixture
def rendered(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """A number for each time that the whole crontab was rendered."""
    times: list[int] = []
    really = installed.wanted

    def counted(*given: object) -> str:
        times.append(len(times))
        return really(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(installed, "wanted", counted)
    return times


def test_lines_in_step_are_rendered_once_and_again_when_anything_changes(at_work: Ward, rendered: list[int]) -> None:
    for _ in range(3):
        found = look(at_work)
        assert (found.check, found.state) == ("crontab", "ok"), found
    assert len(rendered) == 1
    with at_work.roots.system_file.open("a") as file:
        file.write("# a remark outside of V6's part\n")
    assert (look(at_work).state, len(rendered)) == ("ok", 1)
    at_work.configure(scheduler={"tasks": {"queue_option_contracts": {"time": "07:55"}}})
    at_work.compile()
    found = look(at_work)
    assert (found.state, len(rendered)) == ("failed", 2)
    assert "differs from what the configuration makes" in found.evidence
    at_work.install()
    assert look(at_work).state == "ok"


def test_an_edit_by_hand_fails_and_a_line_commented_out_is_only_said(at_work: Ward) -> None:
    place = at_work.roots.system_file
    lines = place.read_text().splitlines(keepends=True)
    at = next(number for number, line in enumerate(lines) if "scripts/validate_positions.py" in line)
    place.write_text("".join([*lines[:at], f"#{lines[at]}", *lines[at + 1 :]]))
    found = look(at_work)
    assert (found.state, found.evidence.endswith("commented out by hand: validate_positions")) == ("ok", True), found
    place.write_text("".join([*lines[:at], *lines[at + 1 :]]))
    assert "was edited by hand" in look(at_work).evidence
    assert look(at_work).state == "failed"


def test_a_hosts_zone_that_changed_fails(at_work: Ward) -> None:
    assert look(at_work).state == "ok"
    localtime = at_work.roots.etc / "localtime"
    localtime.unlink()
    localtime.symlink_to("/usr/share/zoneinfo/Asia/Tokyo")
    assert look(at_work).state == "failed"


def test_what_was_in_step_is_rendered_again_after_hours(at_work: Ward, rendered: list[int]) -> None:
    """A new version of V6 may write other lines."""
    look(at_work)
    with at_work.journal() as db:
        state, _, at = (marks.read(db, crontab.MARK) or "").partition(" ")
        marks.write(db, crontab.MARK, f"{state} {float(at) - crontab.RENDERED_AGAIN.total_seconds():.0f}")
    look(at_work)
    assert len(rendered) == 2


def test_nothing_installed_another_v6s_lines_and_a_shifted_clock_cannot_be_judged(
    ward: Ward, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "no lines of V6 are installed" in look(ward).evidence
    ward.roots.system_file.write_text(
        installed.wanted(ward.patient().config, ward.paths, ZONE, USER).replace(str(ward.root), "/opt/other")
    )
    found = look(ward)
    assert (found.state, "is of /opt/other" in found.evidence) == ("could_not_check", True)
    monkeypatch.setenv("V6_CLOCK_OFFSET", "60")
    found = look(ward)
    assert (found.state, "shifted clock" in found.evidence) == ("could_not_check", True)
