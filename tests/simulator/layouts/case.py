"""One message of the table: the builder, its arguments, the fields real TWS would write and what a client must read."""

import importlib
import inspect
import pkgutil
import re
from dataclasses import dataclass, field
from functools import cache
from types import ModuleType
from typing import Any

from v6.simulator import messages

VERSIONS = (157, 159, 160, 162, 163, 164, 166, 170, 174, 176, 177, 178)
ABSENT = "(absent)"  # what a library has no value for
GATED = re.compile(r"@(\d*)-(\d*):(.*)", re.DOTALL)


class Since:
    """Something a decoder reads only from `version` on."""

    def __init__(self, version: int, value: Any) -> None:
        self.version, self.value = version, value


class Before(Since):
    """Something a decoder reads only below `version`."""


@dataclass(frozen=True)
class Case:
    """`wire`: the fields as recordings show them, each ended by `|`; `@170-:x|` from 170 on, `@-177:x|` below 177,
    `@163-164:x|` at 163 only. `decoded`: the wrapper's calls, with dictionaries for the attributes of objects (
    None: no decoder reads it); `by` names what single libraries read differently.
    """

    builder: str
    arguments: tuple[Any, ...]
    wire: str
    decoded: tuple[tuple[Any, ...], ...] | None
    by: dict[str, tuple[tuple[Any, ...], ...]] = field(default_factory=dict)
    versions: tuple[int, ...] = VERSIONS
    note: str = ""
    named: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.builder} {self.note}".strip()

    def frame(self, version: int) -> bytes:
        module, name = self.builder.split(".")
        build = getattr(importlib.import_module(f"v6.simulator.messages.{module}"), name)
        gated = "version" in inspect.signature(build).parameters
        built: bytes = build(*((version,) if gated else ()), *self.arguments, **self.named)
        return built

    def fields(self, version: int) -> list[str]:
        """The fields of the frame the builder gives."""
        frame = self.frame(version)
        length, payload = int.from_bytes(frame[:4], "big"), frame[4:]
        assert length == len(payload), "the length in front"
        assert payload.endswith(b"\0"), "the last field's NUL"
        return payload[:-1].decode().split("\0")

    def expected(self, version: int) -> list[str]:
        return list(literal(self.wire, version))


@cache
def literal(wire: str, version: int) -> tuple[str, ...]:
    """The fields of `wire` that belong to `version`; a `|` inside a field is written with a backslash."""
    text = "".join(line.strip() for line in wire.splitlines())
    assert text.endswith("|"), wire
    fields = []
    for written in re.split(r"(?<!\\)\|", text[:-1]):
        written = written.replace("\\|", "|")
        gate = GATED.fullmatch(written)
        if gate is None:
            fields.append(written)
        elif int(gate[1] or 0) <= version < int(gate[2] or 10**6):
            fields.append(gate[3])
    return tuple(fields)


def builders() -> set[str]:
    """Every public builder of the simulator, as `module.name`."""
    found = set()
    for module in modules():
        for name, value in vars(module).items():
            ours = inspect.isfunction(value) and value.__module__ == module.__name__ and not name.startswith("_")
            if ours and inspect.signature(value).return_annotation is bytes:
                found.add(f"{module.__name__.rpartition('.')[2]}.{name}")
    return found


def modules() -> list[ModuleType]:
    names = [found.name for found in pkgutil.iter_modules(messages.__path__)]
    return [importlib.import_module(f"{messages.__name__}.{name}") for name in names]
