"""Every environment variable V6 reads, and how text becomes a value. `.env` may set those of OVERRIDES and SWITCHES."""

from collections.abc import Mapping

TRUE = ("true", "1", "yes", "on")
FALSE = ("false", "0", "no", "off")

OVERRIDES: dict[str, tuple[str, type[str] | type[int] | type[bool]]] = {
    "IBKR_HOST": ("ibkr.host", str),
    "IBKR_PORT": ("ibkr.port", int),
    "IBKR_PERSISTENT_CONNECTION": ("ibkr.persistent_connection", bool),
    "IBKR_FORCE_DISCONNECT": ("ibkr.force_disconnect", bool),
}
ENABLE_ALL = "SCHEDULER_ENABLE_ALL"
FORCE = ("FORCE_RUN", "SCHEDULER_FORCE_RUN")
PLACE = ("V6_HOME", "V6_CONFIG")
"""Read before `.env` is found, so they have no meaning in it."""


def enabled_switch(task: str) -> str:
    """The variable that enables or disables one task."""
    return f"SCHEDULER_{task.upper()}_ENABLED"


def switch_names(tasks: Mapping[str, object]) -> tuple[str, ...]:
    """Every true/false switch of the scheduler for these tasks."""
    return (ENABLE_ALL, *FORCE, *(enabled_switch(task) for task in tasks))


def boolean(text: str) -> bool:
    """Raises ValueError saying what is allowed."""
    word = text.strip().lower()
    if word in TRUE:
        return True
    if word in FALSE:
        return False
    raise ValueError(f"{text!r} is neither true nor false, allowed: {', '.join(TRUE + FALSE)}")


def convert(text: str, kind: type[str] | type[int] | type[bool]) -> str | int | bool:
    """Text as `kind`. Raises ValueError saying what is allowed."""
    if kind is bool:
        return boolean(text)
    if kind is int:
        if not text.strip().isascii() or not text.strip().isdigit():
            raise ValueError(f"{text!r} is not a number, allowed: a whole number")
        return int(text)
    return text


def enabled(task: str, listed: bool, switches: Mapping[str, bool]) -> tuple[bool, str | None]:
    """Whether the task runs, and the switch that decided (None: the YAML). By name beats SCHEDULER_ENABLE_ALL."""
    name = enabled_switch(task)
    if name in switches:
        return switches[name], name
    if not switches.get(ENABLE_ALL, True):
        return False, ENABLE_ALL
    return listed, None
