"""No two connections of this host share a client id, and no crash keeps one (L32)."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from v6 import clock
from v6.gateway import client_ids
from v6.gateway.errors import NoClientId

TAKE_AND_DIE = """
import os, sys
from pathlib import Path
from v6.gateway import client_ids
lease = client_ids.take(Path(sys.argv[1]), 10, 12, "a crash")
print(lease.client_id, flush=True)
os.kill(os.getpid(), 9)
"""


def test_every_lease_is_another_id_until_none_is_left(leases: Path) -> None:
    with (
        client_ids.take(leases, 10, 12, "a") as first,
        client_ids.take(leases, 10, 12, "b") as second,
        client_ids.take(leases, 10, 12, "c") as third,
    ):
        assert {first.client_id, second.client_id, third.client_id} == {10, 11, 12}
        with pytest.raises(NoClientId, match="10 by a, 11 by b, 12 by c"):
            client_ids.take(leases, 10, 12)


def test_the_id_that_has_rested_longest_comes_first(leases: Path) -> None:
    order = []
    for _ in range(4):
        with client_ids.take(leases, 10, 12) as lease:
            order.append(lease.client_id)
    assert order == [10, 11, 12, 10]


def test_a_lease_says_who_holds_it(leases: Path) -> None:
    with client_ids.take(leases, 10, 12, "health_check") as lease:
        [holder] = client_ids.holders(leases)
        assert (holder.client_id, holder.pid, holder.task) == (lease.client_id, os.getpid(), "health_check")
        assert abs(holder.since - clock.epoch()) < 5
    assert client_ids.holders(leases) == []


@pytest.mark.integration
def test_a_killed_process_frees_its_id(leases: Path) -> None:
    dead = subprocess.run([sys.executable, "-c", TAKE_AND_DIE, str(leases)], capture_output=True, text=True)
    assert (dead.returncode, dead.stdout) == (-9, "10\n")
    taken = [client_ids.take(leases, 10, 12) for _ in range(3)]
    assert sorted(lease.client_id for lease in taken) == [10, 11, 12]
    for lease in taken:
        lease.release()


def test_a_quarantined_id_is_left_alone_for_a_while(leases: Path) -> None:
    client_ids.take(leases, 10, 10).quarantine(60)
    with pytest.raises(NoClientId, match="quarantine"):
        client_ids.take(leases, 10, 10)
    with client_ids.take(leases, 10, 11) as lease:
        assert lease.client_id == 11


def test_a_quarantine_ends_by_itself_and_with_a_reboot(leases: Path) -> None:
    client_ids.take(leases, 10, 10).quarantine(0.0)
    client_ids.take(leases, 10, 10).quarantine(10 * client_ids.QUARANTINE_SECONDS)  # a stamp of another boot
    with client_ids.take(leases, 10, 10) as lease:
        assert lease.client_id == 10
