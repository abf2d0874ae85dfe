"""The zone that cron takes times for: its daemon's own TZ, else what it would be started with (L07)."""

from pathlib import Path

import pytest

from v6.cron.daemon_zone import DaemonZoneError, zone
from v6.cron.flavour import Flavour
from v6.cron.roots import Roots

RUNNING = Flavour("debian", True, (12,), "/usr/bin/crontab", "")
STOPPED = Flavour("debian", False, (), "/usr/bin/crontab", "")


@pytest.fixture
def roots(tmp_path: Path) -> Roots:
    roots = Roots(tmp_path / "etc", tmp_path / "proc")
    (roots.proc / "12").mkdir(parents=True)
    (roots.etc / "default").mkdir(parents=True)
    (roots.etc / "localtime").symlink_to("/usr/share/zoneinfo/Asia/Tokyo")
    return roots


def started_with(roots: Roots, environ: bytes) -> None:
    (roots.proc / "12" / "environ").write_bytes(environ)


def test_l07_a_running_daemon_without_tz_follows_the_host(roots: Roots) -> None:
    started_with(roots, b"PATH=/usr/bin\0LANG=C\0")
    (roots.etc / "default" / "cron").write_text("TZ=Europe/Paris\n")  # after it was started
    assert zone(RUNNING, roots).name == "Asia/Tokyo"


@pytest.mark.parametrize(
    ("given", "name"),
    [
        (b"Europe/Paris", "Europe/Paris"),
        (b":Europe/Paris", "Europe/Paris"),
        (b"/usr/share/zoneinfo/Europe/Paris", "Europe/Paris"),
        (b"UTC0", "Etc/UTC"),
        (b"", "Etc/UTC"),
    ],
)
def test_l07_the_daemons_tz_wins_as_libc_reads_it(roots: Roots, given: bytes, name: str) -> None:
    started_with(roots, b"PATH=/usr/bin\0TZ=" + given + b"\0")
    found = zone(RUNNING, roots)
    assert found.name == name
    assert "process 12" in found.why


@pytest.mark.parametrize("given", [b"JST-9", b"America/Nowhere", b"../../etc/passwd"])
def test_a_zone_without_a_name_is_refused_and_never_utc(roots: Roots, given: bytes) -> None:
    started_with(roots, b"TZ=" + given + b"\0")
    with pytest.raises(DaemonZoneError, match="process 12"):
        zone(RUNNING, roots)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("TZ=Europe/Paris\n", "Europe/Paris"),
        ("# TZ=Europe/Paris\n", "Asia/Tokyo"),
        ('export TZ="Europe/Paris" # with TWS\n', "Europe/Paris"),
        ("TZ=Europe/Paris\nTZ='Asia/Kolkata'\n", "Asia/Kolkata"),
        ('READ_ENV="yes"\n', "Asia/Tokyo"),
    ],
)
def test_a_daemon_that_is_not_started_yet_will_have_the_defaults(roots: Roots, text: str, name: str) -> None:
    (roots.etc / "default" / "cron").write_text(text)
    assert zone(STOPPED, roots).name == name


def test_l07_who_may_not_see_the_daemons_environment_asks_systemd(
    roots: Roots, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An unprivileged health_check must find the zone that root's installer found, or it finds a drift for ever."""
    (roots.proc / "12" / "cgroup").write_text("0::/system.slice/cron.service\n")
    systemctl = tmp_path / "bin" / "systemctl"
    systemctl.parent.mkdir()
    systemctl.write_text(
        '#!/bin/sh\n[ "$*" = "show --property=Environment --value cron.service" ] && echo "A=b TZ=Europe/Paris"\n'
    )
    systemctl.chmod(0o755)
    assert zone(RUNNING, roots).name == "Asia/Tokyo"  # systemd knows nothing either
    monkeypatch.setattr("v6.cron.programs.PATH", f"{systemctl.parent}:/usr/bin:/bin")
    found = zone(RUNNING, roots)
    assert (found.name, "systemd unit" in found.why) == ("Europe/Paris", True)
    started_with(roots, b"TZ=Asia/Kolkata\0")
    assert zone(RUNNING, roots).name == "Asia/Kolkata"
