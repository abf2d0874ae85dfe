"""Faults as texts: what a scenario file and the control port may say for each, and what is allowed instead."""

from collections.abc import Callable
from dataclasses import fields
from typing import Any, get_args

from v6.simulator.faults.connectivity import FARMS
from v6.simulator.faults.model import Deeds, Faults, Garbage, Restart, ServerReset, Spoiling

Reader = Callable[[Any], Any]
CODES = (354, 10089, 10168)
CONTRACT = ("con_id", "symbol", "sec_type", "expiry", "strike", "right", "exchange")
TERMS = ("action", "quantity", "type", "limit", "stop", "tif", "account")
# arguments of the control commands place, fill, reject and trade
PLACED = (*CONTRACT, *TERMS, "client", "order", "in_flight")
FILLED = ("perm_id", "client", "order", "price", "quantity")
REJECTED = ("perm_id", "client", "order", "reason")
TRADED = (*CONTRACT, "quantity", "price", "account")


class FaultError(ValueError):
    """`key: value; allowed: ...`. The key is relative: empty, or the place inside the value."""

    def __init__(self, value: Any, allowed: str, key: str = "") -> None:
        super().__init__(f"{key}: {value!r}; allowed: {allowed}")
        self.value, self.allowed = value, allowed


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise FaultError(value, "true or false")
    return value


def _number(value: Any, *, least: float = 0.0, most: float = float("inf"), words: str = "a number from 0") -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
        raise FaultError(value, words)
    return float(value)


def _seconds(value: Any) -> float:
    return _number(value, words="seconds from 0")


def _share(value: Any) -> float:
    return _number(value, most=1.0, words="a share from 0 to 1")


def _skew(value: Any) -> float:
    return _number(value, least=-1e9, most=1e9, words="seconds, below 0 for a clock that is late")


def _names(value: Any) -> frozenset[str]:
    if not isinstance(value, list):
        raise FaultError(value, "a list of symbols, local symbols or contract ids")
    return frozenset(map(str, value))


def _ids(value: Any) -> frozenset[int]:
    if not isinstance(value, list) or any(type(each) is not int for each in value):
        raise FaultError(value, "a list of client ids")
    return frozenset(value)


def _farms(value: Any) -> frozenset[str]:
    known = [farm.name for farm in FARMS]
    if not isinstance(value, list) or any(each not in known for each in value):
        raise FaultError(value, f"a list of {', '.join(known)}")
    return frozenset(value)


def _codes(value: Any) -> dict[str, int]:
    if not isinstance(value, dict) or any(each not in CODES for each in value.values()):
        raise FaultError(value, "a mapping of symbols (or *) to 354, 10089 or 10168")
    return {str(symbol): code for symbol, code in value.items()}


def _halts(value: Any) -> dict[str, int]:
    if not isinstance(value, dict) or any(each not in (1, 2) or isinstance(each, bool) for each in value.values()):
        raise FaultError(value, "a mapping of symbols (or *) to 1 or 2")
    return {str(symbol): kind for symbol, kind in value.items()}


def _choice(*allowed: str) -> Reader:
    def read(value: Any) -> str:
        if value not in allowed:
            raise FaultError(value, ", ".join(filter(None, allowed)))
        return str(value)

    return read


def _setting(kind: type[Restart] | type[ServerReset]) -> Reader:
    defaults = kind._field_defaults

    def read(value: Any) -> Restart | ServerReset | None:
        if value is None or value is False:
            return None
        if value is True:
            return kind()
        if not isinstance(value, dict):
            raise FaultError(value, f"true, or a mapping of {', '.join(defaults)}")
        for key, each in value.items():
            if key not in defaults:
                raise FaultError(each, ", ".join(defaults), f".{key}")
            try:
                (_flag if isinstance(defaults[key], bool) else _seconds)(each)
            except FaultError as error:
                raise FaultError(error.value, error.allowed, f".{key}") from None
        return kind(**value)

    return read


def _deeds(keys: tuple[str, ...]) -> Reader:
    """The values are read when it happens, by the command that does it."""

    def read(value: Any) -> Deeds:
        if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
            raise FaultError(value, f"a list of mappings of {', '.join(keys)}")
        for place, deed in enumerate(value):
            for key in deed:
                if key not in keys:
                    raise FaultError(deed[key], ", ".join(keys), f"[{place}].{key}")
        return tuple(value)

    return read


READERS: dict[str, Reader] = {
    "client_ids_in_use": _ids, "farms_down": _farms, "farms_idle": _farms, "no_subscription": _codes,
    "halted": _halts,
    "silent": _names, "spoiled": _names, "silent_share": _share, "no_greeks_share": _share, "spoiled_share": _share,
    "spoiling": _choice(*get_args(Spoiling)), "garbage": _choice(*get_args(Garbage)),
    "error_flood": _number, "drip_seconds": _seconds, "clock_skew": _skew,
    "restart": _setting(Restart), "server_reset": _setting(ServerReset),
    "orders_placed": _deeds(PLACED), "orders_filled": _deeds(FILLED),
    "orders_rejected": _deeds(REJECTED), "positions_changed": _deeds(TRADED),
}  # fmt: skip
FAULTS = tuple(field.name for field in fields(Faults))


def read(fault: str, value: Any) -> Any:
    """The value of a fault as `Faults` has it. Raises FaultError."""
    reader: Reader = READERS.get(fault, _flag)
    return reader(value)


def shown(value: Any) -> Any:
    """A fault's value as JSON can carry it."""
    if isinstance(value, frozenset):
        return sorted(value)
    if isinstance(value, tuple) and not hasattr(value, "_fields"):
        return [dict(each) for each in value]
    if isinstance(value, Restart | ServerReset):
        return {name: getattr(value, name) for name in value._fields}
    return value
