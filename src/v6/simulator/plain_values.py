"""Dataclasses and named tuples as JSON and back, by their type hints."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import date
from functools import lru_cache
from math import isfinite
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints
from zoneinfo import ZoneInfo

NOT_FINITE = ("inf", "-inf", "nan")


class PlainError(ValueError):
    """The JSON does not hold such a value."""


def to_plain(value: Any) -> Any:
    """Only what JSON has; fields that hold their default are left out of dataclasses."""
    if is_dataclass(value) and not isinstance(value, type):
        return {
            each.name: to_plain(getattr(value, each.name))
            for each in fields(value)
            if getattr(value, each.name) != each.default
        }
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, ZoneInfo):
        return value.key
    if isinstance(value, float) and not isfinite(value):
        return repr(value)  # JSON has no such numbers
    if isinstance(value, tuple | list):
        return [to_plain(each) for each in value]
    return value


@lru_cache(maxsize=64)
def _hints(kind: type) -> Mapping[str, Any]:
    return get_type_hints(kind)


def from_plain(kind: Any, value: Any) -> Any:
    """The value of that type. Raises PlainError."""
    try:
        return _read(kind, value)
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        raise PlainError(f"{getattr(kind, '__name__', kind)}: {error}") from None


def _read(kind: Any, value: Any) -> Any:
    origin = get_origin(kind)
    if origin in (UnionType, Union):
        inner = [each for each in get_args(kind) if each is not NoneType]
        return None if value is None else _read(inner[0], value)
    if origin is tuple:
        return _read_tuple(get_args(kind), value)
    if is_dataclass(kind):
        hints = _hints(kind)  # type: ignore[arg-type]
        return kind(  # type: ignore[operator]
            **{name: _read(hints[name], each) for name, each in value.items()}
        )
    if isinstance(kind, type) and issubclass(kind, tuple):
        hints = _hints(kind)
        return kind(*(_read(hint, each) for hint, each in zip(hints.values(), value, strict=True)))
    if kind is date:
        return date.fromisoformat(value)
    if kind is ZoneInfo:
        return ZoneInfo(value)
    if kind is float and value in NOT_FINITE:
        return float(value)
    if kind is float and isinstance(value, int):
        return float(value)
    if not isinstance(value, kind):
        raise TypeError(f"{value!r} is no {kind.__name__}")
    return value


def _read_tuple(kinds: tuple[Any, ...], values: list[Any]) -> tuple[Any, ...]:
    if len(kinds) == 2 and kinds[1] is Ellipsis:
        return tuple(_read(kinds[0], each) for each in values)
    return tuple(_read(kind, each) for kind, each in zip(kinds, values, strict=True))
