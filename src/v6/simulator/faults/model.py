"""How the simulated TWS misbehaves. Every field can be set by a program, a scenario and the control port."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from v6.simulator.instruments.listings import Listing
from v6.simulator.market import noise

Spoiling = Literal["nan", "minus_one", "huge"]
Garbage = Literal[
    "", "bytes", "absurd_length", "empty_frame", "short_length", "not_utf8", "unknown_message", "no_fields", "cut_frame"
]


class Restart(NamedTuple):
    """The daily restart of TWS. Seconds: the port refuses, then answers nothing, then is ready; its farms come later.

    Measured 23:45:00 reset -> 23:46:22 back [Lean.IB#242]; port open does not mean API ready.
    ids_occupied_seconds: so long after it answers again, every client id of before gets 326 [ib_insync#360, #376].
    """

    refused_seconds: float = 75.0
    mute_seconds: float = 8.0
    farm_seconds: float = 3.0
    ids_occupied_seconds: float = 0.0
    needs_login: bool = False
    lose_in_flight: bool = True


Deeds = tuple[Mapping[str, Any], ...]
"""What is done to the books: the arguments of a control command, one mapping a deed."""


class ServerReset(NamedTuple):
    """The nightly reset of IBKR's servers: 1100, repeated, then 1102 or (`data_lost`) 1101; no drop [IBC#143]."""

    lost_seconds: float = 14.0
    repeat_seconds: float = 5.0
    data_lost: bool = False
    dead_after_1102: bool = False


@dataclass
class Faults:
    """Shares are between 0 and 1 and pick the same contracts all day; symbols may be "*" for all.

    The port:
    refuse: it is closed. drop: the same, and every socket is reset when it begins.
    awaiting_login: closed until a person signs in (control command `login`); the sockets of before are reset.
    stuck_acceptor: nobody accepts; connections pile up in the kernel's queue until it is full.
    close_at_once: a proxy with nothing behind it. mute_before_handshake: accepts and says nothing.
    mute_after_handshake: the version is answered, then nothing. mute_after_start: ready (15, 9), requests unanswered.
    never_closes: a connection whose client has left stays in CLOSE_WAIT, with its client id.
    client_ids_in_use: answered 326 and closed. no_account: an empty list of accounts.

    The farms (usfarm, usopt, usfuture, ushmds, secdefil):
    farms_down, farms_idle: their names; what they feed stops. deaf_until_farms: they still
    connect, and requests for data are not answered.
    link_broken: TWS has lost IBKR's servers (2110). competing_session: 10197 for every line, no data.

    Data:
    no_subscription: symbol -> 354, 10089 or 10168. endless_snapshots: no end (57) ever comes.
    halted: symbol, or "*" -> 1 general, 2 volatility (tick 49): no trades and no new quotes, options too.
    silent, silent_share: symbols, local symbols or contract ids, or a share of the options, that never tick.
    no_greeks_share: of the options, that never get greeks.
    spoiled, spoiled_share, spoiling: whose fields are broken, and how.
    error_flood: errors a real second to every client. drip_seconds: every byte leaves that long after the one before.
    clock_skew: seconds by which the host's clock is off (currentTime, connection time, account time).

    What happens once, when the field changes (or at the event's time):
    restart, server_reset: with their durations. half_close: TWS shuts its side of every connection and reads on.
    garbage: that kind of nonsense is sent to every client.
    orders_placed, orders_filled, orders_rejected, positions_changed: lists of what the control commands place, fill,
    reject and trade take: orders of clients that need not be connected, or typed into TWS; executions; ends of orders;
    trades that no order here has made.
    """

    refuse: bool = False
    drop: bool = False
    awaiting_login: bool = False
    stuck_acceptor: bool = False
    close_at_once: bool = False
    mute_before_handshake: bool = False
    mute_after_handshake: bool = False
    mute_after_start: bool = False
    never_closes: bool = False
    client_ids_in_use: frozenset[int] = frozenset()
    no_account: bool = False
    farms_down: frozenset[str] = frozenset()
    farms_idle: frozenset[str] = frozenset()
    deaf_until_farms: bool = False
    link_broken: bool = False
    competing_session: bool = False
    no_subscription: dict[str, int] = field(default_factory=dict)
    halted: dict[str, int] = field(default_factory=dict)
    endless_snapshots: bool = False
    silent: frozenset[str] = frozenset()
    silent_share: float = 0.0
    no_greeks_share: float = 0.0
    spoiled: frozenset[str] = frozenset()
    spoiled_share: float = 0.0
    spoiling: Spoiling = "nan"
    error_flood: float = 0.0
    drip_seconds: float = 0.0
    clock_skew: float = 0.0
    restart: Restart | None = None
    server_reset: ServerReset | None = None
    half_close: bool = False
    garbage: Garbage = ""
    orders_placed: Deeds = ()
    orders_filled: Deeds = ()
    orders_rejected: Deeds = ()
    positions_changed: Deeds = ()

    def subscription_error(self, listing: Listing) -> int | None:
        return self.no_subscription.get(listing.symbol) or self.no_subscription.get("*")

    def never_ticks(self, listing: Listing, day: int) -> bool:
        return _named(self.silent, listing) or _drawn("silent", self.silent_share, listing, day)

    def never_has_greeks(self, listing: Listing, day: int) -> bool:
        return _drawn("greeks", self.no_greeks_share, listing, day)

    def spoils(self, listing: Listing, day: int) -> bool:
        return _named(self.spoiled, listing) or _drawn("spoiled", self.spoiled_share, listing, day)


# what happens once instead of lasting
EVENTS = (
    "orders_placed", "orders_filled", "orders_rejected", "positions_changed",
    "restart", "server_reset", "half_close", "garbage",
)  # fmt: skip


def _named(names: frozenset[str], listing: Listing) -> bool:
    return bool(names) and not names.isdisjoint(
        ("*", listing.symbol, listing.local_symbol, str(listing.con_id)),
    )


def _drawn(purpose: str, share: float, listing: Listing, day: int) -> bool:
    """Options by lot, the same ones all day."""
    if share <= 0 or (listing.sec_type != "OPT" and share < 1):
        return False
    return noise.uniform(noise.key(purpose, day), listing.con_id) < share
