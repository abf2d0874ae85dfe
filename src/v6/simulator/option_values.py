"""What each option may be: its values, as texts on the command line and as what they become. One table by type."""

import math
import re
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, NamedTuple

from v6 import clock

LAST_PORT = 65535
MOST_LOG_MB = 100_000
SYMBOL = re.compile(r"[A-Z0-9]+([ ./-][A-Z0-9]+)?")
ACCOUNT = re.compile(r"D[UF]9[0-9]{6}")
NONE = "none"


class OptionError(ValueError):
    """`NAME VALUE: allowed ...`. The name is the Options' field until the command line says its own."""

    def __init__(self, name: str, value: Any, allowed: str) -> None:
        super().__init__(f"{name} {value}: allowed {allowed}")
        self.name, self.value, self.allowed = name, value, allowed


class Kind(NamedTuple):
    """`read`: from a text; raises ValueError. `fits`: whether it is allowed. `tidy`: from other forms in a program."""

    allowed: str
    read: Callable[[str], Any]
    fits: Callable[[Any], bool]
    tidy: Callable[[Any], Any] = lambda value: value


def _is_count(value: Any, least: int = 0, most: float = math.inf) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


def _is_number(value: Any, most: float = math.inf) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= most and value < math.inf


def _is_pair(value: Any) -> bool:
    return isinstance(value, tuple) and len(value) == 2 and all(map(_is_number, value)) and value[0] <= value[1]


def _are_accounts(value: Any) -> bool:
    texts = isinstance(value, tuple) and all(isinstance(each, str) and ACCOUNT.fullmatch(each) for each in value)
    return texts and 0 < len(set(value)) == len(value)


def _are_symbols(value: Any) -> bool:
    return isinstance(value, frozenset) and all(isinstance(each, str) and SYMBOL.fullmatch(each) for each in value)


def _flag(text: str) -> bool:
    return {"true": True, "false": False}[text]


def _words(text: str) -> tuple[str, ...]:
    return tuple(filter(None, text.split(",")))


def _pair(text: str) -> tuple[float, ...]:
    return tuple(map(float, text.split(",")))


def _instant(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=clock.NEW_YORK)


def _several(value: Any) -> Any:
    """A bare text is one of them, not its letters."""
    return (value,) if isinstance(value, str) else tuple(value) if isinstance(value, Iterable) else value


def _symbols(value: Any) -> Any:
    return frozenset(_several(value)) if isinstance(value, Iterable) else value


def _or_none(kind: Kind) -> Kind:
    return Kind(
        f"{kind.allowed}, or {NONE}",
        lambda text: None if text == NONE else kind.read(text),
        lambda value: value is None or kind.fits(value),
        lambda value: value if value is None else kind.tidy(value),
    )


def _choice(*allowed: str) -> Kind:
    return Kind(" or ".join(allowed), str, lambda value: value in allowed)


COUNT = Kind("a whole number from 0", int, _is_count)
NUMBER = Kind("a number from 0", float, _is_number)
POSITIVE = Kind("a number above 0", float, lambda value: _is_number(value) and value > 0)
PORT = Kind(f"0 to {LAST_PORT}, 0: any free one", int, lambda value: _is_count(value, 0, LAST_PORT))
FILE = Kind("a path", Path, lambda value: isinstance(value, Path),
            lambda value: Path(value) if isinstance(value, str) and value else value)  # fmt: skip
BY_TYPE: dict[Any, Kind] = {
    int: COUNT,
    float: NUMBER,
    bool: Kind("true or false", _flag, lambda value: isinstance(value, bool)),
    str: Kind("a text", str, lambda value: isinstance(value, str) and bool(value)),
    tuple[float, float]: Kind("two numbers from 0, the smaller first: 0.1,0.4", _pair, _is_pair,
                              lambda value: tuple(value) if isinstance(value, list) else value),
    Path | None: _or_none(FILE),
    int | None: _or_none(COUNT),
    datetime | None: _or_none(Kind('a New York time: "2026-11-27 10:35"', _instant,
                                   lambda value: isinstance(value, datetime))),
}  # fmt: skip
BY_NAME: dict[str, Kind] = {
    "port": PORT,
    "control_port": _or_none(PORT),
    "seed": Kind("a whole number", int, lambda value: _is_count(value, least=-(1 << 63), most=1 << 63)),
    "strikes": Kind("a whole number from 1", int, lambda value: _is_count(value, 1)),
    "speed": POSITIVE,
    "refresh_seconds": POSITIVE,
    "profit_seconds": POSITIVE,
    "scanner_seconds": POSITIVE,
    "event_log_mb": Kind(f"above 0 to {MOST_LOG_MB}", float,
                         lambda value: _is_number(value, MOST_LOG_MB) and value > 0),
    "accounts": Kind("each once, only ids that cannot be real: DU9 (or DF9) and six digits", _words,
                     _are_accounts, _several),
    "no_shorting": Kind("symbols in capitals: GME,BRK B", lambda text: frozenset(_words(text)),
                        _are_symbols, _symbols),
}  # fmt: skip


def kind_of(name: str, hint: Any) -> Kind:
    """Raises KeyError for an option that is no single value."""
    if name in BY_NAME:
        return BY_NAME[name]
    if getattr(hint, "__origin__", None) is Literal:
        return _choice(*hint.__args__)
    return BY_TYPE[hint]
