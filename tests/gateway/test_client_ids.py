"""No two connections of this host share a client id, and no crash keeps one (L32)."""

import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from v6 import clock, file_locks
from v6.gateway import client_ids, occupancy
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


@contextmanager
def full_disk() -> Iterator[None]:
    """No file of this process may grow."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_on_a_full_disk_ids_are_leased_and_given_back_as_ever(leases: Path) -> None:
    """The lock is the lease; nothing says who has it but the kernel."""
    before = len(list(Path("/proc/self/fd").iterdir()))
    with full_disk():
        with client_ids.take(leases, 10, 10, "a task") as lease:
            seen = [(one.client_id, one.pid, one.task) for one in client_ids.holders(leases)]
            leased, _ = occupancy.client_ids(leases)
        client_ids.take_one(leases, 10).quarantine()
    assert seen == [(lease.client_id, os.getpid(), "")]
    assert [(one.client_id, one.pid, one.since) for one in leased] == [(10, os.getpid(), None)]
    assert len(list(Path("/proc/self/fd").iterdir())) == before
    with client_ids.take_one(leases, 10):
        pass


def test_who_looks_turns_nobody_away(leases: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    client_ids.take(leases, 11, 11).release()
    with client_ids.take(leases, 10, 10, "a task"):
        with monkeypatch.context() as patched:
            patched.setattr(file_locks, "acquire", lambda path: pytest.fail(f"{path} was tried"))
            by_the_kernel = client_ids.holders(leases)
            assert client_ids.clear_quarantines(leases) == []
        monkeypatch.setattr(file_locks, "TABLE", tmp_path / "nowhere")
        assert client_ids.holders(leases) == by_the_kernel, "where the kernel does not tell the locks are tried"
    assert [one.client_id for one in by_the_kernel] == [10]
