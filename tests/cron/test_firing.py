"""Debian's real cron daemon runs what the product renders: in New York's slots on a host of any zone, and nothing else.

Its parser is the authority here, as it reads files of /etc/cron.d and tells syslog about them.
"""

import pytest

from real_cron import Host, new_york
from toy_checkout import ToyCheckout, wait_until

from .conftest import Install, MakeHost, await_run, outcomes, render, skips

pytestmark = pytest.mark.integration

SPRING, AUTUMN = "2026-03-08", "2026-11-01"


def refused(host: Host) -> list[str]:
    """What the daemon did not like about files."""
    return [line for line in host.said() if any(word in line for word in ("ERROR", "Error", "WRONG", "BAD", "ORPHAN"))]


@pytest.mark.parametrize("zone", ["Asia/Tokyo", "Etc/UTC"])
def test_l07_a_job_fires_in_its_new_york_slot_and_a_wrong_minute_is_dropped(
    host: MakeHost, installer: Install, site: ToyCheckout, zone: str
) -> None:
    """In November the lines of both of New York's offsets fire: 09:35 EDT would be 08:35 EST."""
    there = host(zone)
    done = installer(there)
    assert done.returncode == 0, done.stdout + done.stderr
    with there.cron(new_york("2026-11-23 08:35")):
        wait_until(lambda: skips(site, "toy_morning"))
    with there.cron(new_york("2026-11-23 09:35")):
        await_run(there, site, "toy_morning")
    assert skips(site, "toy_morning") == ["not_slot"]
    assert outcomes(site, "toy_morning") == [("success", "2026-11-23 09:35")]
    assert refused(there) == []
    assert sum("toy.py" in command for command in there.started()) == 2


def test_l07_the_daemons_own_zone_counts_not_that_of_the_host(host: MakeHost, site: ToyCheckout) -> None:
    """TZ=Asia/Tokyo in /etc/default/cron: what is rendered for the host's zone never fires in the slot."""
    there = host("America/New_York")
    there.install("v6-trading", render(there, site) + "* * * * * root true fired\n")
    with there.cron(new_york("2026-11-23 09:35"), tz="Asia/Tokyo"):
        there.wait_for("true fired")
        there.wait_for_jobs()
    assert [command for command in there.started() if "toy.py" in command] == []


def test_l04_a_task_of_every_day_fires_at_the_weekend(host: MakeHost, site: ToyCheckout) -> None:
    there = host("Asia/Tokyo")
    there.install("v6-trading", render(there, site))
    with there.cron(new_york("2026-12-26 09:35")):
        await_run(there, site, "toy_morning")
    assert outcomes(site, "toy_morning") == [("success", "2026-12-26 09:35")]


def test_a_slot_in_the_hour_that_the_clocks_skip_runs_once_right_after_it(host: MakeHost, site: ToyCheckout) -> None:
    """The daemon lives through the change: at 03:00 it runs the fixed lines of the skipped hour."""
    there = host("America/New_York")
    there.install("v6-trading", render(there, site))
    with there.cron(new_york(f"{SPRING} 03:00")):
        await_run(there, site, "toy_skipped_hour")
    assert outcomes(site, "toy_skipped_hour") == [("success", f"{SPRING} 03:00")]


def test_l08_a_slot_in_the_hour_that_the_clocks_repeat_runs_once(host: MakeHost, site: ToyCheckout) -> None:
    """Also where the daemon was restarted between the two passes, and knows nothing of the first."""
    there = host("America/New_York")
    there.install("v6-trading", render(there, site))
    first = new_york(f"{AUTUMN} 01:30")
    with there.cron(first):
        await_run(there, site, "toy_repeated_hour")
    with there.cron(first + 3600):
        wait_until(lambda: skips(site, "toy_repeated_hour"))
    assert outcomes(site, "toy_repeated_hour") == [("success", f"{AUTUMN} 01:30")]
    assert skips(site, "toy_repeated_hour") == ["not_slot"]
