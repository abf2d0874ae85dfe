"""Contract ids that are the same on every host and after every restart, without a table.

The identity (trading class 5 bits, days since 2015 13 bits, strike in units 12 bits, right 1 bit) is scrambled by a
multiplication that can be undone, so two contracts never share an id and an id alone finds its contract.
"""

from datetime import date, timedelta
from typing import NamedTuple

EPOCH = date(2015, 1, 1)
_MODULUS = 1 << 31
_FACTOR = 0x2545F491
_INVERSE = pow(_FACTOR, -1, _MODULUS)


class Identity(NamedTuple):
    class_index: int
    expiry: date
    units: int
    put: bool


def encode(identity: Identity) -> int:
    days = (identity.expiry - EPOCH).days
    if not (0 < identity.class_index < 32 and 0 <= days < 8192 and 0 <= identity.units < 4096):
        raise ValueError(f"no contract id for {identity}")
    packed = identity.class_index << 26 | days << 13 | identity.units << 1 | identity.put
    return packed * _FACTOR % _MODULUS


def decode(con_id: int) -> Identity:
    packed = con_id * _INVERSE % _MODULUS
    expiry = EPOCH + timedelta(days=packed >> 13 & 8191)
    return Identity(packed >> 26, expiry, packed >> 1 & 4095, bool(packed & 1))
