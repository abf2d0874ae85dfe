"""The host's zone, its zone files, its clock."""

import ctypes
import shutil
import time
from datetime import timedelta
from pathlib import Path

import pytest
from ward import ZONES, Ward, run

from v6 import clock
from v6.doctor import kernel_clock
from v6.doctor.answer import Answer

TOKYO = "Asia/Tokyo"


def test_all_of_it_is_well(ward: Ward) -> None:
    found = ward.all_of("host zone", "tzdata")
    assert [str(one.state) for one in found.values()] == ["ok", "ok"], found
    assert found["host zone"].evidence.startswith("Etc/UTC, now ")
    assert "America/New_York" in found["tzdata"].evidence


def test_a_zone_that_points_nowhere_is_utc_without_a_word_and_is_wrong(ward: Ward) -> None:
    localtime = ward.roots.etc / "localtime"
    localtime.unlink()
    localtime.symlink_to("/usr/share/zoneinfo/America/Nowhere")
    found = ward.ask("host zone")
    assert (found.state, "which is not there: everything reads UTC" in found.evidence) == ("failed", True)
    assert "timedatectl set-timezone" in found.cure


def test_two_names_of_one_zone_agree_two_zones_do_not(ward: Ward) -> None:
    (ward.roots.etc / "timezone").write_text("UTC\n")
    assert ward.ask("host zone").state == "ok"
    (ward.roots.etc / "timezone").write_text(f"{TOKYO}\n")
    assert f"says Etc/UTC, {ward.roots.etc}/timezone says {TOKYO}" in ward.ask("host zone").evidence


def test_a_copied_zone_file_without_a_name_is_wrong(ward: Ward) -> None:
    for name in ("localtime", "timezone"):
        (ward.roots.etc / name).unlink()
    shutil.copy(ZONES / TOKYO, ward.roots.etc / "localtime")
    assert "is a copy without a name" in ward.ask("host zone").evidence


@pytest.fixture
def zone_files(ward: Ward) -> Path:
    """A folder of zone files that only bash reads, as TZDIR makes it."""
    folder = ward.host / "zones"
    for name in ("America/New_York", "Etc/UTC", TOKYO):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ZONES / name, folder / name)
    ward.environ["TZDIR"] = str(folder)
    return folder


def test_l07_bash_and_python_with_different_zone_files_are_wrong(ward: Ward, zone_files: Path) -> None:
    assert ward.ask("tzdata").state == "ok"
    shutil.copy(ZONES / "America/Bogota", zone_files / "America/New_York")  # New York without its summer
    found = ward.ask("tzdata")
    assert found.state == "failed"
    assert found.evidence.startswith("America/New_York: bash ")
    assert "of 1601 instants differ" in found.evidence
    assert "install --reinstall tzdata" in found.cure


def test_a_zone_file_that_is_missing_is_utc_to_bash_and_wrong(ward: Ward, zone_files: Path) -> None:
    (zone_files / "America" / "New_York").unlink()
    assert f"America/New_York is not in {zone_files}" in ward.ask("tzdata").evidence


def test_the_zones_of_the_schedule_are_looked_at_too(ward: Ward) -> None:
    window = {"zone": TOKYO, "days": "every", "start": "13:45", "end": "14:05"}
    ward.configure(scheduler={"restart_windows": {"daily_restart": window}})
    ward.compile()
    assert TOKYO in ward.ask("tzdata").evidence


def test_the_clock_is_what_the_kernel_says_of_it(ward: Ward) -> None:
    """Against the kernel's own word, read in another way than by ours."""
    words = ctypes.create_string_buffer(512)
    code = ctypes.CDLL(None).ntp_adjtime(words)
    found = ward.ask("clock")
    assert found.state == ("failed" if code == kernel_clock.TIME_ERROR else "ok"), found


def test_systemd_or_a_container_around_explain_what_the_kernel_does_not_know(ward: Ward) -> None:
    if ward.ask("clock").state == "ok":
        pytest.skip("this kernel's clock is synchronised")
    (ward.host / "proc" / "version").write_text("Linux version 5.15 Microsoft WSL2")
    found = ward.ask("clock")
    assert (found.state, "of the host around this WSL" in found.evidence) == ("could_not_check", True)
    (ward.host / ".dockerenv").touch()
    assert "of the host around this container" in ward.ask("clock").evidence
    (ward.host / "run" / "systemd" / "timesync").mkdir(parents=True)
    (ward.host / "run" / "systemd" / "timesync" / "synchronized").touch()
    assert ward.ask("clock").evidence == "synchronised by systemd-timesyncd"


def test_a_clock_behind_the_latest_run_was_set_back(ward: Ward) -> None:
    with ward.journal() as db:
        run(db, "health_check", clock.now() + timedelta(hours=3))
    found = ward.ask("clock")
    assert found.state == "failed"
    assert "but a run of health_check began " in found.evidence


def test_a_clock_in_the_past_and_a_shifted_one_are_told_apart(ward: Ward, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("V6_CLOCK_OFFSET", "3600")
    assert ward.ask("clock").evidence.startswith("the clock is shifted by +3600 s")
    monkeypatch.setenv("V6_CLOCK_OFFSET", f"{-time.time() + 86400:.0f}")
    found = ward.ask("clock")
    assert (found.state, found.evidence.startswith("the clock reads 1970-01-01")) == ("failed", True)


def test_answers_are_values() -> None:
    from v6.doctor.answer import judged, well

    assert judged([], "fine") == well("fine")
    many = judged([f"p{number}" for number in range(9)], "fine")
    assert isinstance(many, Answer)
    assert many.evidence == "p0; p1; p2; p3; and 5 more"
