"""Failures of every kind, many at a time, in servers that never close: nothing of them is left (L27, L28, L32)."""

import asyncio
import gc
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import cycle, islice
from pathlib import Path

import pytest
from diagnose_support import Place, every_place
from gateway_support import RawTws, ibkr, sockets, wait_until

from v6.gateway import client_ids, occupancy
from v6.gateway.diagnose import diagnose
from v6.gateway.verdicts import Verdict

pytestmark = [pytest.mark.integration, pytest.mark.both_libraries]

AT_A_TIME = 5
VISIBLE_SECONDS = 60.0


def descriptors() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


async def examine_all(places: Sequence[tuple[Verdict, Place]], mute: float) -> list[tuple[Verdict, Verdict]]:
    """(deserved, found) of each, some at a time, each on a client id of its own; `mute`: the probe of mute ones."""
    free = asyncio.Queue[int]()
    for number in range(1, AT_A_TIME + 1):
        free.put_nowait(number)

    async def one(deserved: Verdict, place: Place) -> tuple[Verdict, Verdict]:
        number = await free.get()
        try:
            settings = ibkr(place.port, host=place.host, probe_seconds=mute if place.mute else VISIBLE_SECONDS)
            found = await diagnose(settings, place.leases, market_open=True, symbol="SPY", client_id=number)
        finally:
            free.put_nowait(number)
        return deserved, found.verdict

    return await asyncio.gather(*(one(deserved, place) for deserved, place in places))


def held_by_servers(servers: Sequence[RawTws]) -> int:
    """They never close, so that every connection ever accepted is a descriptor of theirs, in this process."""
    return sum(len(server.accepted) for server in servers)


SOAK = [pytest.mark.soak, pytest.mark.timeout(900)]


@pytest.mark.parametrize(("count", "mute"), [(50, 2.0), pytest.param(500, 4.0, marks=SOAK)])
@pytest.mark.one_python
def test_mixed_failures_leave_no_socket_no_descriptor_and_no_lease(
    count: int, mute: float, leases: Path, tmp_path: Path
) -> None:
    not_a_folder = tmp_path / "not_a_folder"
    not_a_folder.write_text("")
    with every_place(leases, not_a_folder) as (places, servers):
        asyncio.run(examine_all(places[:1], mute))  # the library is imported
        before = descriptors() - held_by_servers(servers)

        found = asyncio.run(examine_all(list(islice(cycle(places), count)), mute))

        assert {deserved for deserved, _ in found} == set(Verdict)
        assert Counter(pair for pair in found if pair[0] is not pair[1]) == {}
        for server in servers:
            assert wait_until(lambda port=server.port: sockets(port) == []), sockets(server.port)
        assert descriptors() - held_by_servers(servers) == before
    assert client_ids.holders(leases) == []
    assert occupancy.pool(leases, "checks", 5).used == 0


@pytest.fixture(autouse=True)
def _no_collection_of_descriptors_by_chance() -> Iterator[None]:
    """A descriptor that only the garbage collector closes counts as leaked."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()
