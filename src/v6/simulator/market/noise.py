"""Deterministic randomness: every value is a pure function of a key, so no state is kept and none can be lost."""

from datetime import datetime
from functools import lru_cache
from hashlib import blake2b
from math import sqrt

from v6.clock import NEW_YORK

_MASK = (1 << 64) - 1
_GOLDEN = 0x9E3779B97F4A7C15
_NORMAL = sqrt(3.0)  # four uniforms summed have variance 1/3

# How fast variance accrues: fully in regular hours, little overnight, hardly at weekends.
_OPEN, _CLOSE = 9.5 * 3600, 16 * 3600
_NIGHT, _WEEKEND = 0.12, 0.02
_WEEKDAY_VARIANCE = (_CLOSE - _OPEN) + _NIGHT * (86400 - (_CLOSE - _OPEN))
_WEEK_VARIANCE = 5 * _WEEKDAY_VARIANCE + 2 * 86400 * _WEEKEND
YEAR_VARIANCE = _WEEK_VARIANCE * 365.25 / 7


@lru_cache(maxsize=4096)
def key(*parts: object) -> int:
    """A 64-bit key of the parts; the same on every host and in every process."""
    digest = blake2b("/".join(map(str, parts)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big")


def _mix(value: int) -> int:
    """SplitMix64's finaliser (Steele, Lea, Flood 2014)."""
    value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9 & _MASK
    value = (value ^ (value >> 27)) * 0x94D049BB133111EB & _MASK
    return value ^ (value >> 31)


def uniform(base: int, index: int) -> float:
    """In [0, 1)."""
    return _mix((base + index * _GOLDEN) & _MASK) / (_MASK + 1)


@lru_cache(maxsize=1 << 17)
def _lattice(base: int, index: int) -> float:
    """About standard normal, bounded by 3.5."""
    bits = _mix((base + index * _GOLDEN) & _MASK)
    total = (bits & 0xFFFF) + (bits >> 16 & 0xFFFF) + (bits >> 32 & 0xFFFF) + (bits >> 48)
    return (total / 65536 - 2.0) * _NORMAL


def variance_time(instant: float) -> float:
    """Seconds of regular-session variance since 1970, never falling; `instant` in epoch seconds."""
    local = datetime.fromtimestamp(instant, NEW_YORK)
    days = local.toordinal() - 719_165  # Monday 1970-01-05
    week, weekday = divmod(days, 7)
    second = local.hour * 3600 + local.minute * 60 + local.second + local.microsecond / 1e6
    total = week * _WEEK_VARIANCE + min(weekday, 5) * _WEEKDAY_VARIANCE
    if weekday >= 5:
        return total + (weekday - 5) * 86400 * _WEEKEND + second * _WEEKEND
    regular = min(max(second - _OPEN, 0.0), _CLOSE - _OPEN)
    return total + regular + _NIGHT * (second - regular)


def walk(base: int, at: float, volatility: float, octaves: range = range(2, 24)) -> float:
    """Value noise whose increments grow like a Brownian motion's between 2**first and 2**last seconds.

    `at` in variance time, `volatility` a year. Bounded and mean-reverting beyond the longest octave, so a synthetic
    price never drifts out of its world.
    """
    total = 0.0
    scale = volatility * sqrt(1.0 / YEAR_VARIANCE) * _CALIBRATION
    for octave in octaves:
        position = at / (1 << octave)
        index = int(position)
        part = position - index
        smooth = part * part * (3.0 - 2.0 * part)
        layer = base + octave
        low = _lattice(layer, index)
        total += sqrt(1 << octave) * (low + (_lattice(layer, index + 1) - low) * smooth)
    return total * scale


# Makes walk()'s increments over a day have the asked-for volatility; held by a test.
_CALIBRATION = 0.4585
