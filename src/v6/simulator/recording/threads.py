"""Which request an answer belongs to: by its id, or for messages without one by what asks for them."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from v6.simulator.message_names import INCOMING, OUTGOING
from v6.simulator.recording.file import TO_TWS, Message
from v6.simulator.recording.grammar import COUNT, Walk, walk
from v6.simulator.recording.layouts import ANSWERS, REQUESTS

START_API = 71
CANCELS = {2, 4, 11, 23, 25, 51, 53, 56, 57, 63, 75, 77, 89, 90, 93, 95, 98, 101, 103}
ERROR = 4
# answers without an id: the requests that ask for them
ASKED_BY = {
    6: (6,), 7: (6,), 8: (6,), 9: (8, START_API), 14: (12,), 15: (17, START_API), 16: (18,), 19: (24,), 49: (49,),
    53: (5, 16), 54: (6,), 61: (61,), 62: (61,), 78: (80,), 80: (82,), 85: (85,), 93: (91,), 101: (99,), 102: (99,),
}  # fmt: skip
ORDER_ANSWERS = {3, 5, 11, 100}
ANSWER_MARKS = ("sec_type", "tick", "key", "order_type", "status", "code")
REQUEST_MARKS = ("sec_type", "bar_size", "what", "format_date", "kind", "snapshot")
UNASKED = "unasked"


@dataclass(frozen=True)
class Asked:
    """A request of a client: its place on its connection, its name, and what shapes the answers to it."""

    place: int
    kind: int
    name: str
    marks: tuple[str, ...]


@dataclass(frozen=True)
class Answer:
    """A message from TWS with its fields named; `asked` None: unasked, or the request is not on record."""

    connection: int
    kind: int
    name: str
    walked: Walk
    count: int
    asked: Asked | None
    marks: tuple[str, ...]

    @property
    def fixed(self) -> int:
        """Fields outside of counted and conditional blocks, the message id among them."""
        return self.count - sum(each.depth > 0 for each in self.walked.fields)

    @property
    def asked_name(self) -> str:
        return self.asked.name if self.asked else UNASKED


@dataclass
class Threads:
    """Follows one connection."""

    connection: int
    version: int
    place: int = 0
    _names: list[str] = field(default_factory=list)
    _by_id: dict[str, Asked] = field(default_factory=dict)
    _orders: dict[str, Asked] = field(default_factory=dict)
    _latest: dict[int, Asked] = field(default_factory=dict)

    def ask(self, fields: tuple[str, ...]) -> Asked:
        kind = message_id(fields)
        walked = walk(REQUESTS.get(kind, "...:number"), fields[1:], self.version)
        self.place += 1
        asked = Asked(self.place, kind, INCOMING.get(kind, f"request {fields[0]}"), marks(walked, REQUEST_MARKS))
        self._names.append(asked.name)
        if kind in CANCELS:
            return asked
        self._latest[kind] = asked
        if order := walked.value("order_id"):
            self._orders[order] = asked
        elif request := walked.value("req"):
            self._by_id[request] = asked
        return asked

    def name_at(self, place: int | None) -> str:
        return self._names[place - 1] if place else UNASKED

    def answer(self, fields: tuple[str, ...]) -> Answer:
        kind = message_id(fields)
        walked = walk(ANSWERS.get(kind, "...:number"), fields[1:], self.version)
        name = OUTGOING.get(kind, f"message {fields[0][:20]}")
        return Answer(self.connection, kind, name, walked, len(fields), self._asked(kind, walked),
                      marks(walked, ANSWER_MARKS))  # fmt: skip

    def _asked(self, kind: int, walked: Walk) -> Asked | None:
        request, order = walked.value("req"), walked.value("order_id")
        if kind in ORDER_ANSWERS:
            return self._by_id.get(request) if kind == 11 and request != "-1" else self._orders.get(order)
        if request:
            return self._by_id.get(request) or (self._orders.get(request) if kind == ERROR else None)
        known = [self._latest[asks] for asks in ASKED_BY.get(kind, ()) if asks in self._latest]
        return max(known, key=lambda asked: asked.place, default=None)


def message_id(fields: tuple[str, ...]) -> int:
    return int(fields[0]) if COUNT.fullmatch(fields[0]) else -1


def marks(walked: Walk, names: Iterable[str]) -> tuple[str, ...]:
    fixed = {each.name: each.value for each in walked.fields if each.depth == 0}
    return tuple(f"{name} {fixed[name]}" for name in names if name in fixed)


def answers(messages: Iterable[Message], connection: int, version: int) -> list[Answer]:
    """Every answer of a connection's messages, in their order."""
    threads, found = Threads(connection, version), []
    for message in messages:
        if message.direction == TO_TWS:
            threads.ask(message.fields)
        else:
            found.append(threads.answer(message.fields))
    return found
