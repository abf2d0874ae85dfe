"""What is installed is known by its mark, and how it differs from what should be is said in words."""

import os
import pwd
from pathlib import Path

import pytest

from checkout import make_checkout
from v6.config.load import load
from v6.cron import probe
from v6.cron.installed import drift, installed, wanted
from v6.cron.roots import Roots
from v6.paths import Paths
from v6.scheduler import crontab_mark


@pytest.fixture
def roots(tmp_path: Path) -> Roots:
    roots = Roots(tmp_path / "etc", tmp_path / "proc", tmp_path / "spool", tmp_path / "kept", (tmp_path / "systemd",))
    for folder in (roots.cron_d, roots.proc, roots.spool / "crontabs"):
        folder.mkdir(parents=True)
    (roots.etc / "localtime").symlink_to("/usr/share/zoneinfo/America/New_York")
    return roots


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return make_checkout(tmp_path / "root", tmp_path / "home")


def test_drift_is_told_in_words(roots: Roots, paths: Paths) -> None:
    config = load(paths, {})
    assert "nothing is installed" in drift(config, paths, roots)
    text = wanted(config, paths, "America/New_York", "v6", None, roots)
    roots.system_file.write_text(text)
    assert drift(config, paths, roots) == ""
    found = installed(True, roots)
    assert found is not None
    assert (found.root, found.home, found.user, found.intact) == (str(paths.root), str(paths.home), "v6", True)
    # commented out by hand: a person's will, not a drift
    line = next(line for line in text.splitlines() if line.endswith("--slot scripts/health_check.py"))
    roots.system_file.write_text(text.replace(line, f"#{line}"))
    found = installed(True, roots)
    assert found is not None
    assert (found.intact, found.disabled) == (False, ("health_check",))
    assert line not in wanted(config, paths, "America/New_York", "v6", found, roots).splitlines()
    # the host has moved
    roots.system_file.write_text(text)
    (roots.etc / "localtime").unlink()
    (roots.etc / "localtime").symlink_to("/usr/share/zoneinfo/Asia/Tokyo")
    said = drift(config, paths, roots)
    assert "differs from what the configuration makes" in said
    assert said.endswith(". To put it right: sudo ./install_scheduler.sh")
    # the installer was killed
    marked = crontab_mark.find(text)
    assert marked is not None
    probing = crontab_mark.sealed(probe.with_probe(marked.body, "00ff", "v6", "scripts/health_check.py"))
    roots.system_file.write_text(probing)
    assert "the line of a proof" in drift(config, paths, roots)
    assert probe.without_probe(crontab_mark.find(probing).body) == marked.body  # type: ignore[union-attr]


def test_a_line_that_is_gone_is_named_whole_with_the_cure_for_that_crontab(roots: Roots, paths: Paths) -> None:
    config = load(paths, {})
    text = wanted(config, paths, "America/New_York", None, None, roots)
    line = next(line for line in text.splitlines() if line.endswith("--slot scripts/health_check.py"))
    me = pwd.getpwuid(os.geteuid()).pw_name
    roots.crontab_of(me).write_text(text.replace(f"{line}\n", ""))
    when = " ".join(line.split()[:5])
    named = f"1 lines missing, 0 too many; first: '{when} ... --slot scripts/health_check.py'. "
    assert drift(config, paths, roots).endswith(f"{named}To put it right: ./install_scheduler.sh --user")


def test_a_task_stays_out_beside_the_line_of_an_ended_proof(roots: Roots, paths: Paths) -> None:
    """The probe's line stands below the last task and fires each minute: it is none of that task's."""
    config = load(paths, {})
    text = wanted(config, paths, "America/New_York", "v6", None, roots)
    marked = crontab_mark.find(text)
    assert marked is not None
    heading = [line for line in marked.body.splitlines() if line.startswith("# ")][-2]  # before the @reboot line's
    last = heading.split(":")[0].removeprefix("# ")
    body = "\n".join(
        f"#{line}" if f"/{last}.py" in line or "@reboot" in line else line for line in marked.body.splitlines()
    )
    roots.system_file.write_text(crontab_mark.sealed(probe.with_probe(f"{body}\n", "00ff", "v6", "scripts/x.py")))
    found = installed(True, roots)
    assert found is not None
    assert found.probing
    assert 'cron_wrapper.sh" --explain' not in found.body
    assert found.body == f"{body}\n"


def test_a_byte_that_is_no_utf_8_in_a_hand_made_remark_stops_nothing(roots: Roots, paths: Paths) -> None:
    config = load(paths, {})
    text = wanted(config, paths, "America/New_York", "v6", None, roots)
    marked = crontab_mark.find(text)
    assert marked is not None
    edited = text.replace(marked.body, f"# caf\udce9\n{marked.body}")
    roots.system_file.write_text(edited, errors="surrogateescape")
    found = installed(True, roots)
    assert found is not None
    assert not found.intact
    assert drift(config, paths, roots) == ""


def test_another_installations_file_is_not_called_ours(roots: Roots, paths: Paths, tmp_path: Path) -> None:
    config = load(paths, {})
    roots.system_file.write_text(wanted(config, paths, "America/New_York", "v6", None, roots))
    assert "another installation's" in drift(config, Paths(paths.root, tmp_path / "elsewhere"), roots)


@pytest.mark.parametrize(
    ("text", "words"),
    [("exit 0 00ff\n", (0, "")), ("run\nexit 0 00ff\n", (0, "run")), ("no\nexit 2 00ff\n", (2, "no"))],
)
def test_a_probes_answer_is_the_gates(tmp_path: Path, text: str, words: tuple[int, str]) -> None:
    place = tmp_path / probe.FILE
    place.parent.mkdir(parents=True)
    place.write_text(text)
    assert probe.answer(tmp_path, "00ff") == words
    assert probe.answer(tmp_path, "0123") is None  # an earlier one's


def test_half_an_answer_is_none(tmp_path: Path) -> None:
    assert probe.answer(tmp_path, "00ff") is None
    place = tmp_path / probe.FILE
    place.parent.mkdir(parents=True)
    place.write_text("run\n")
    assert probe.answer(tmp_path, "00ff") is None
