"""Field texts of a request as values; every nonsense is a WireError.

An empty field, 2147483647 and 1.7976931348623157E308 say "unset": ibapi sends the numbers, other clients nothing.
"""

import math
from typing import TypeVar

from v6.simulator.wire import WireError

FLAGS: dict[str, bool] = {"": False, "0": False, "1": True, "false": False, "true": True, "False": False, "True": True}
OPTIONAL_FLAGS: dict[str, bool | None] = {**FLAGS, "": None, "2147483647": None}
INFINITIES = ("Infinite", "Infinity", "inf")  # ib_insync and ib_async; IB's own and @stoqey; Python's
UNSET_FROM = 1.7976931348623e308
INTEGER_MAX = 2147483647

Value = TypeVar("Value")


def _of(values: dict[str, Value], value: str) -> Value:
    try:
        return values[value]
    except KeyError:
        raise WireError(f"{value!r} is not a flag") from None


def flag(value: str) -> bool:
    return _of(FLAGS, value)


def optional_flag(value: str) -> bool | None:
    return _of(OPTIONAL_FLAGS, value)


def optional_integer(value: str) -> int | None:
    """32 bits, as TWS reads them."""
    if not value:
        return None
    if not (value.isascii() and value.removeprefix("-").isdigit() and len(value) <= 11):
        raise WireError(f"{value!r} is not an integer")
    parsed = int(value)
    if not -INTEGER_MAX - 1 <= parsed <= INTEGER_MAX:
        raise WireError(f"{value!r} does not fit 32 bits")
    return None if parsed == INTEGER_MAX else parsed


def integer(value: str) -> int:
    return optional_integer(value) or 0


def count(value: str) -> int:
    """How many elements follow."""
    parsed = integer(value)
    if parsed < 0:
        raise WireError(f"{value!r} elements")
    return parsed


def exempt_code(value: str) -> int:
    """-1 (not exempt) also for an empty field, which @stoqey sends."""
    code = optional_integer(value)
    return -1 if code is None else code


def optional_number(value: str) -> float | None:
    if not value:
        return None
    try:
        parsed = float(value)
    except ValueError:
        parsed = math.nan
    if not (math.isfinite(parsed) and value.isascii() and "_" not in value):
        raise WireError(f"{value!r} is not a number")
    return None if abs(parsed) >= UNSET_FROM else parsed


def number(value: str) -> float:
    return optional_number(value) or 0.0


def best_offset(value: str) -> float | None:
    """How far from the best competing price; infinite: up to the midpoint."""
    return math.inf if value in INFINITIES else optional_number(value)


def conjunction(value: str) -> str:
    if value not in ("a", "o"):
        raise WireError(f"{value!r} joins no conditions")
    return value
