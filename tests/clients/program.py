"""What the three Python programs share: the arguments, and one JSON object a line on standard output.

{"step": NAME, "result": ...}    what the client saw, the same keys from every client
{"step": NAME, "error": TEXT}    the step ended with an exception; the next ones go on
{"ask": {"do": ...}}             the simulator's control port shall do this now
"""

import json
import math
import sys
import time
import traceback
from collections.abc import Callable
from typing import Any, NamedTuple

SPY = 756733
NO_SUCH_SYMBOL = "ZZZZ"


class Place(NamedTuple):
    host: str
    port: int
    client_id: int


def place() -> Place:
    """`PROGRAM HOST PORT CLIENT_ID`."""
    return Place(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))


def say(**what: Any) -> None:
    print(json.dumps(finite(what)), flush=True)


def ask(do: str, **arguments: Any) -> None:
    say(ask={"do": do, **arguments})


def finite(value: Any) -> Any:
    """The same with None for what JSON cannot say, and lists for everything that can be iterated over."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: finite(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [finite(each) for each in value]
    if isinstance(value, (set, frozenset)):
        return sorted(finite(each) for each in value)
    return value


def run(steps: list[Callable[[], Any]], wait_for: Callable[[Any], Any] = lambda result: result) -> None:
    """Each step once, in order; a failed one is reported and the next ones go on. `wait_for` ends a coroutine."""
    for step in steps:
        began = time.monotonic()
        try:
            result = wait_for(step())
        except Exception:
            say(step=step.__name__, error=traceback.format_exc())
        else:
            say(step=step.__name__, result=result, seconds=round(time.monotonic() - began, 2))


def without_repeats(statuses: list[str]) -> list[str]:
    """Consecutive repeats once: TWS may send the same status twice."""
    return [each for place, each in enumerate(statuses) if place == 0 or statuses[place - 1] != each]


def near_the_money(contracts: list[tuple[int, float, str]], price: float) -> list[tuple[int, float, str]]:
    """The call and the put of the strike nearest to the price."""
    strike = min((strike for _, strike, _ in contracts), key=lambda each: abs(each - price))
    return [each for each in contracts if each[1] == strike]
