"""Which cron a host has is told by what lies and runs on it, with the evidence."""

import os
import shutil
from pathlib import Path

import pytest

from v6.cron import flavour, programs
from v6.cron.roots import Roots

pytestmark = pytest.mark.skipif(shutil.which("crontab") is None, reason="cron is needed: dev/setup.sh --for-tests")


@pytest.fixture
def roots(tmp_path: Path) -> Roots:
    roots = Roots(tmp_path / "etc", tmp_path / "proc", tmp_path / "spool", tmp_path / "kept", (tmp_path / "systemd",))
    roots.cron_d.mkdir(parents=True)
    roots.proc.mkdir()
    return roots


def process(roots: Roots, pid: int, command: str, cron_d: Path | None = None) -> None:
    """One of the host's, whose /etc/cron.d is the host's, or another."""
    folder = roots.proc / str(pid)
    its = folder / "root" / str(roots.cron_d).lstrip("/")
    its.parent.mkdir(parents=True)
    its.symlink_to(cron_d or roots.cron_d)
    (folder / "comm").write_text(f"{command}\n")


def program(folder: Path, script: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    made = folder / "crontab"
    made.write_text(f"#!/bin/sh\n{script}\n")
    made.chmod(0o755)
    return made


def test_debians_cron_is_known_and_so_is_whether_it_runs(roots: Roots) -> None:
    assert (flavour.find(roots).name, flavour.find(roots).running) == ("debian", False)
    process(roots, 12, "cron")
    found = flavour.find(roots)
    assert (found.name, found.running, found.pids) == ("debian", True, (12,))
    assert "cron is process 12" in found.why


def test_the_cron_of_a_container_is_not_the_hosts(roots: Roots, tmp_path: Path) -> None:
    other = tmp_path / "container"
    other.mkdir()
    process(roots, 12, "cron", other)
    assert flavour.find(roots).pids == ()


def test_cronie_says_its_name(roots: Roots, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(tmp_path / "bin", '[ "$1" = -V ] && echo "cronie 1.6.1"')
    monkeypatch.setattr(programs, "PATH", f"{tmp_path}/bin:{os.environ['PATH']}")
    process(roots, 7, "crond")
    found = flavour.find(roots)
    assert (found.name, found.running) == ("cronie", True)
    assert "cronie 1.6.1" in found.why


def test_systemd_cron_is_known_by_its_generator(roots: Roots) -> None:
    generator = roots.systemd[0] / "system-generators" / "systemd-crontab-generator"
    generator.parent.mkdir(parents=True)
    generator.touch()
    found = flavour.find(roots)
    assert found.name == "systemd-cron"
    assert str(generator) in found.why


@pytest.mark.parametrize("script", ['echo "busybox"', "exit 1"])
def test_a_cron_whose_parser_we_do_not_know_is_none(
    roots: Roots, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str
) -> None:
    program(tmp_path / "bin", script)
    monkeypatch.setattr(programs, "PATH", f"{tmp_path}/bin:/usr/bin:/bin")
    assert flavour.find(roots).name == "none"
