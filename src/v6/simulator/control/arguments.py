"""Reading the arguments of a control command; what is wrong is said with what is allowed."""

from collections.abc import Iterable
from typing import Any

Request = dict[str, Any]

LARGEST, UNLIMITED = 1e9, 1e308  # of a price or quantity; of what a float can be


class ControlError(ValueError):
    """What is wrong with a request, and what is allowed."""


def allow(request: Request, *names: str) -> None:
    """Raises ControlError for a key that this command does not know."""
    for key in request:
        if key != "do" and key not in names:
            raise ControlError(f"{key}: unknown; allowed: {', '.join(names) or 'nothing more'}")


def number(request: Request, name: str, default: float | None = None, least: float = float("-inf")) -> float:
    """Raises ControlError when it is missing or no number."""
    value = request.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value < UNLIMITED:
        raise ControlError(f"{name}: {value!r}; allowed: a number" + (f" from {least:g}" if least > -1e300 else ""))
    return float(value)


def positive(request: Request, name: str) -> float:
    """Raises ControlError when it is missing or no number above 0."""
    value = request.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < LARGEST:
        raise ControlError(f"{name}: {value!r}; allowed: a number above 0")
    return float(value)


def whole(request: Request, name: str, default: int | None = None) -> int:
    """Raises ControlError when it is missing or no whole number."""
    value = request.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int):
        raise ControlError(f"{name}: {value!r}; allowed: a whole number")
    return value


def text(request: Request, name: str) -> str:
    value = request.get(name)
    if not isinstance(value, str) or not value:
        raise ControlError(f"{name}: {value!r}; allowed: a text")
    return value


def choice(request: Request, name: str, allowed: Iterable[str], default: str | None = None) -> str:
    """One of those texts. Raises ControlError."""
    value = request.get(name, default)
    allowed = list(allowed)
    if value not in allowed:
        raise ControlError(f"{name}: {value!r}; allowed: {', '.join(allowed)}")
    return str(value)
