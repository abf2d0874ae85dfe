"""Where contracts and quotes come from: the synthetic world, or a recording with it behind."""

from datetime import date
from pathlib import Path
from typing import NamedTuple

from v6.simulator.instruments.contracts import Contracts, SyntheticContracts
from v6.simulator.instruments.listings import Listing
from v6.simulator.market.halts import MarketState
from v6.simulator.market.quotes import Feed
from v6.simulator.market.synthetic import SyntheticFeed


class Sources(NamedTuple):
    """`symbols`, `kinds`: what is recorded. `notice`: what to say of a day that is not."""

    contracts: Contracts
    feed: Feed
    symbols: frozenset[str] = frozenset()
    kinds: frozenset[str] = frozenset()
    notice: str = ""

    def recorded(self, listing: Listing) -> bool:
        """Whether its quotes come from the recording."""
        return listing.symbol in self.symbols and listing.sec_type in self.kinds


def sources(
    replay: Path | None, contracts: SyntheticContracts, feed: SyntheticFeed, state: MarketState, day: date
) -> Sources:
    """`day`: New York's today. Raises ReplayError."""
    if replay is None:
        return Sources(contracts, feed)
    from v6.simulator.replay.feed import RecordedContracts, RecordedFeed, not_recorded, opened

    recording = opened(replay)
    return Sources(
        RecordedContracts(recording, contracts), RecordedFeed(recording, feed, state),
        recording.symbols, recording.kinds, not_recorded(recording, day),
    )  # fmt: skip
