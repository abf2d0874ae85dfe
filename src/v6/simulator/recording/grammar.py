"""Layouts as text, and the walk that names every field of a message.

name  name:kind       one field; kinds: see redact.py (no kind: nothing to hide)
name@166 name@<164    only from that version on, only below it; name@=163 only there
*n( ... )             the block as often as the field named n says
?n( ... ) ?n=A|B( ) ?n>0( )   the block if that field is not empty, is one of the words, is a positive set number
...:kind              every field that is left
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

UNSET = 1.7e308
TOKEN = re.compile(r"(?P<op>[*?])(?P<test>\w+)(?:(?P<sign>[=>])(?P<value>[\w| ]*))?\(|(?P<end>\))|"
                   r"(?P<name>\.\.\.|\w+)(?::(?P<kind>\w+))?(?:@(?P<gate>[<=]?)(?P<version>\d+))?")  # fmt: skip
COUNT = re.compile(r"[0-9]{1,9}")
MOST_REPEATS = 100_000


class Named(NamedTuple):
    """A field with its name; `depth` 0 belongs to the fixed part, above to a counted or conditional block."""

    name: str
    kind: str
    value: str
    depth: int


class Walk(NamedTuple):
    """`left`: fields that the layout does not know; `short`: whether the message ended before its layout."""

    fields: list[Named]
    left: list[str]
    short: bool

    @property
    def fits(self) -> bool:
        return not self.short and not any(self.left)

    def value(self, name: str) -> str:
        """The first field of that name; nothing when the message has none."""
        return next((field.value for field in self.fields if field.name == name), "")


@dataclass(frozen=True)
class Single:
    name: str
    kind: str
    gate: str
    version: int

    def present(self, version: int) -> bool:
        if not self.version:
            return True
        return {"<": version < self.version, "=": version == self.version}.get(self.gate, version >= self.version)


@dataclass(frozen=True)
class Block:
    op: str
    name: str
    sign: str
    value: str
    items: tuple["Single | Block", ...]

    def times(self, seen: dict[str, str]) -> int:
        text = seen.get(self.name, "")
        if self.op == "*":
            return min(int(text), MOST_REPEATS) if COUNT.fullmatch(text) else 0
        if self.sign == "=":
            return int(text in self.value.split("|"))
        if self.sign == ">":
            return int(0 < number(text) < UNSET)
        return int(bool(text))


class EndedEarlyError(Exception):
    """The message ends before its layout."""


@cache
def parsed(layout: str) -> tuple[Single | Block, ...]:
    items, rest = _block(list(TOKEN.finditer(layout)), 0)
    assert rest == len(list(TOKEN.finditer(layout))), f"unbalanced: {layout}"
    return items


def _block(tokens: Sequence[re.Match[str]], at: int) -> tuple[tuple[Single | Block, ...], int]:
    items: list[Single | Block] = []
    while at < len(tokens):
        token = tokens[at]
        at += 1
        if token["end"]:
            return tuple(items), at
        if token["op"]:
            inner, at = _block(tokens, at)
            items.append(Block(token["op"], token["test"], token["sign"] or "", token["value"] or "", inner))
        else:
            items.append(Single(token["name"], token["kind"] or "", token["gate"] or "", int(token["version"] or 0)))
    return tuple(items), at


def walk(layout: str, fields: Sequence[str], version: int) -> Walk:
    """`fields` without the message id. Never raises, whatever the fields are."""
    named: list[Named] = []
    waiting = iter(fields)
    try:
        _walk(parsed(layout), waiting, version, named, {}, 0)
    except EndedEarlyError:
        return Walk(named, [], short=True)
    return Walk(named, list(waiting), short=False)


def _walk(items: Sequence[Single | Block], waiting: Iterator[str], version: int, named: list[Named],
          seen: dict[str, str], depth: int) -> None:  # fmt: skip
    for item in items:
        if isinstance(item, Block):
            for _ in range(item.times(seen)):
                _walk(item.items, waiting, version, named, seen, depth + 1)
        elif item.name == "...":
            named.extend(Named("rest", item.kind, value, depth + 1) for value in waiting)
        elif item.present(version):
            value = next(waiting, None)
            if value is None:
                raise EndedEarlyError
            seen[item.name] = value
            named.append(Named(item.name, item.kind, value, depth))


def number(text: str) -> float:
    """0 for what is none."""
    try:
        return float(text)
    except ValueError:
        return 0.0
