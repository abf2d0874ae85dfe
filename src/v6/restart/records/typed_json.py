"""Frozen dataclasses to plain JSON and back, exactly: what is read equals what was written, type by type.

Instants are UTC text, read as New York; a float that is no number is the text `nan`, `inf` or `-inf`. A closed set of
words (Literal) is read as any text: TWS has kinds of contracts that we do not trade, and a position in one must
survive.
"""

import math
import types
import typing
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import fields, is_dataclass
from datetime import UTC, date, datetime
from enum import Enum
from functools import cache
from typing import Any, TypeVar

from v6.clock import NEW_YORK

T = TypeVar("T")
SCALARS = (str, int, bool)


class Mismatch(ValueError):  # noqa: N818 - it names what was found
    """The JSON does not have the form of the type; says where and what was expected."""


def plain(value: object) -> Any:
    """JSON's own types only. Raises TypeError for what it does not know."""
    if isinstance(value, Enum):
        return value.value
    if value is None or isinstance(value, SCALARS):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise TypeError(f"naive datetime {value}: instants only")
        return value.astimezone(UTC).isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, tuple | list):
        return [plain(one) for one in value]
    raise TypeError(f"{type(value).__name__} has no JSON form")


def typed(kind: type[T], raw: object) -> T:
    """`raw` as a `kind`. Raises Mismatch."""
    found: T = _typed(kind, raw, kind.__name__)
    return found


def _typed(kind: Any, raw: Any, where: str) -> Any:
    origin = typing.get_origin(kind)
    if origin in (types.UnionType, typing.Union):
        return _optional(kind, raw, where)
    if origin is typing.Literal:
        return _scalar(str, raw, where)
    if origin is tuple:
        return _tuple(typing.get_args(kind), raw, where)
    if origin is not None and issubclass(origin, Mapping):
        return _mapping(typing.get_args(kind), raw, where)
    if kind is float:
        return _float(raw, where)
    if kind in SCALARS:
        return _scalar(kind, raw, where)
    if kind in (datetime, date) or issubclass(kind, Enum):
        return _parsed(kind, raw, where)
    if is_dataclass(kind):
        return _dataclass(kind, raw, where)
    raise TypeError(f"{where}: {kind} cannot be read from JSON")


def _optional(kind: Any, raw: Any, where: str) -> Any:
    [other] = [one for one in typing.get_args(kind) if one is not type(None)]
    return None if raw is None else _typed(other, raw, where)


def _scalar(kind: type, raw: Any, where: str) -> Any:
    if type(raw) is not kind:
        raise _wrong(where, raw, kind.__name__)
    return raw


def _float(raw: Any, where: str) -> float:
    if type(raw) in (float, int) or raw in ("nan", "inf", "-inf"):
        with suppress(OverflowError):
            return float(raw)
    raise _wrong(where, raw, "float")


def _parsed(kind: Any, raw: Any, where: str) -> Any:
    try:
        if kind is date:
            return date.fromisoformat(raw)
        if kind is not datetime:
            return kind(raw)
        if (instant := datetime.fromisoformat(raw)).tzinfo is not None:
            return instant.astimezone(NEW_YORK)
    except (TypeError, ValueError, OverflowError) as error:
        raise _wrong(where, raw, kind.__name__) from error
    raise _wrong(where, raw, "instant with its zone")


def _tuple(kinds: tuple[Any, ...], raw: Any, where: str) -> tuple[Any, ...]:
    if type(raw) is not list:
        raise _wrong(where, raw, "list")
    each = [kinds[0]] * len(raw) if kinds[-1] is Ellipsis else list(kinds)
    if len(each) != len(raw):
        raise _wrong(where, raw, f"list of {len(each)}")
    return tuple(_typed(kind, one, f"{where}[{n}]") for n, (kind, one) in enumerate(zip(each, raw, strict=True)))


def _mapping(kinds: tuple[Any, ...], raw: Any, where: str) -> dict[Any, Any]:
    if type(raw) is not dict:
        raise _wrong(where, raw, "object")
    key, value = kinds
    try:
        return {key(name): _typed(value, one, f"{where}.{name}") for name, one in raw.items()}
    except ValueError as error:
        if isinstance(error, Mismatch):
            raise
        raise _wrong(where, list(raw), f"object with {key.__name__} keys") from error


def _dataclass(kind: Any, raw: Any, where: str) -> Any:
    hints = _hints(kind)
    if type(raw) is not dict:
        raise _wrong(where, raw, "object")
    if raw.keys() != hints.keys():
        odd = sorted(raw.keys() ^ hints.keys())
        raise Mismatch(f"{where}: fields {', '.join(odd)}: unknown or absent, allowed: exactly {', '.join(hints)}")
    return kind(**{name: _typed(hint, raw[name], f"{where}.{name}") for name, hint in hints.items()})


@cache
def _hints(kind: Any) -> dict[str, Any]:
    hints = typing.get_type_hints(kind)
    return {field.name: hints[field.name] for field in fields(kind)}


def _wrong(where: str, raw: Any, allowed: str) -> Mismatch:
    return Mismatch(f"{where}: {str(raw)[:60]!r} is wrong, allowed: {allowed}")
