"""The connection itself: handshake, accounts, ids, errors, time."""

from collections.abc import Sequence

from v6.simulator.wire import frame

OLDEST, NEWEST = 157, 178


def handshake(version: int, connection_time: str) -> bytes:
    return frame(version, connection_time)


def managed_accounts(accounts: Sequence[str]) -> bytes:
    return frame(15, 1, ",".join(accounts))


def next_valid_id(order_id: int) -> bytes:
    return frame(9, 1, order_id)


def error(version: int, request: int, code: int, text: str) -> bytes:
    return frame(4, 2, request, code, text, "") if version >= 166 else frame(4, 2, request, code, text)


def current_time(epoch: int) -> bytes:
    return frame(49, 1, epoch)
