"""How the simulated TWS misbehaves. Every field can be set by a program, and by a scenario for a stretch of time."""

from dataclasses import dataclass, field
from typing import Literal

from v6.simulator import noise
from v6.simulator.listings import Listing

Spoiling = Literal["nan", "minus_one", "huge"]


@dataclass
class Faults:
    """Shares are between 0 and 1 and pick the same contracts all day; symbols may be "*" for all.

    refuse: the port is closed. drop: the same, and every socket is reset when it begins.
    close_at_once: a proxy with nothing behind it. mute_before_handshake: a stuck gateway.
    mute_after_handshake: the version is answered, then nothing. mute_after_start: ready (15, 9), requests unanswered.
    client_ids_in_use: answered 326 and closed. no_account: an empty list of accounts.
    no_subscription: symbol -> 354, 10089 or 10168.
    silent, silent_share: symbols, local symbols or contract ids, or a share of the options, that never tick.
    no_greeks_share: of the options, that never get greeks.
    spoiled, spoiled_share, spoiling: whose fields are broken, and how.
    """

    refuse: bool = False
    drop: bool = False
    close_at_once: bool = False
    mute_before_handshake: bool = False
    mute_after_handshake: bool = False
    mute_after_start: bool = False
    client_ids_in_use: frozenset[int] = frozenset()
    no_account: bool = False
    no_subscription: dict[str, int] = field(default_factory=dict)
    silent: frozenset[str] = frozenset()
    silent_share: float = 0.0
    no_greeks_share: float = 0.0
    spoiled: frozenset[str] = frozenset()
    spoiled_share: float = 0.0
    spoiling: Spoiling = "nan"

    def subscription_error(self, listing: Listing) -> int | None:
        return self.no_subscription.get(listing.symbol) or self.no_subscription.get("*")

    def never_ticks(self, listing: Listing, day: int) -> bool:
        return _named(self.silent, listing) or _drawn("silent", self.silent_share, listing, day)

    def never_has_greeks(self, listing: Listing, day: int) -> bool:
        return _drawn("greeks", self.no_greeks_share, listing, day)

    def spoils(self, listing: Listing, day: int) -> bool:
        return _named(self.spoiled, listing) or _drawn("spoiled", self.spoiled_share, listing, day)


def _named(names: frozenset[str], listing: Listing) -> bool:
    return bool(names) and not names.isdisjoint(
        ("*", listing.symbol, listing.local_symbol, str(listing.con_id)),
    )


def _drawn(purpose: str, share: float, listing: Listing, day: int) -> bool:
    """Options by lot, the same ones all day."""
    if share <= 0 or (listing.sec_type != "OPT" and share < 1):
        return False
    return noise.uniform(noise.key(purpose, day), listing.con_id) < share
