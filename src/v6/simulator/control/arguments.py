"""Reading the arguments of a control command; what is wrong is said with what is allowed."""

from typing import Any

Request = dict[str, Any]


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
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value < float("inf"):
        raise ControlError(f"{name}: {value!r}; allowed: a number" + (f" from {least:g}" if least > -1e300 else ""))
    return float(value)


def text(request: Request, name: str) -> str:
    value = request.get(name)
    if not isinstance(value, str) or not value:
        raise ControlError(f"{name}: {value!r}; allowed: a text")
    return value
