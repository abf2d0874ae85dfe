"""What differs between the answers of a recording and ours: counts of fields, forms of fields, order, kinds."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from v6.simulator.message_names import INCOMING, OUTGOING
from v6.simulator.recording.earlier import Earlier
from v6.simulator.recording.file import TO_TWS, Message
from v6.simulator.recording.formats import Forms, differ
from v6.simulator.recording.moment import Moment
from v6.simulator.recording.threads import ERROR, START_API, UNASKED, Answer, answers

NO_CONTRACT = "code 200"
TICKS = frozenset({1, 2, 21, 45, 46})
# what comes or not with the market and the moment: that a recording has none says nothing
OF_THE_MOMENT = TICKS | {3, 4, 5, 6, 7, 8, 11, 14, 47, 50, 59, 84, 90, 99, 100, 101}
What = Literal["fields", "format", "order", "never sent", "only ours"]


class Difference(NamedTuple):
    """`field`: its name, or empty; `asked`: the request it answers and what shapes the message."""

    what: What
    message: str
    field: str
    asked: str
    recorded: str
    ours: str


class Key(NamedTuple):
    """Messages that must be written alike."""

    kind: int
    name: str
    version: int
    asked: str
    marks: tuple[str, ...]

    def __str__(self) -> str:
        return " ".join((self.asked, *self.marks))


@dataclass
class Seen:
    """Everything of one key on one side."""

    messages: int = 0
    forms: dict[str, Forms] = field(default_factory=dict)

    def add(self, answer: Answer) -> None:
        self.messages += 1
        for named in answer.walked.fields:
            self.forms.setdefault(named.name, Forms()).add(named.kind, named.value)


@dataclass
class Side:
    """All answers of a recording, or all of ours. `counts`: of fields, by kind and version and what was asked."""

    counts: dict[Key, set[int]] = field(default_factory=dict)
    seen: dict[Key, Seen] = field(default_factory=dict)
    kinds: dict[str, Counter[int]] = field(default_factory=dict)
    orders: dict[tuple[int, str], list[int]] = field(default_factory=dict)
    asked_names: dict[tuple[int, str], str] = field(default_factory=dict)
    refused: set[tuple[int, int]] = field(default_factory=set)

    def add(self, talk: Sequence[Answer], version: int, passed_over: set[tuple[int, int]]) -> None:
        for answer in talk:
            place = (answer.connection, answer.asked.place if answer.asked else 0)
            if place in passed_over:
                continue
            shaped = answer.asked.marks if answer.asked else ()
            key = Key(answer.kind, answer.name, version, answer.asked_name, answer.marks + shaped)
            self.seen.setdefault(key, Seen()).add(answer)
            self.counts.setdefault(key._replace(marks=()), set()).add(answer.fixed)
            self.kinds.setdefault(answer.asked_name, Counter())[answer.kind] += 1
            thread = (answer.connection, f"{answer.asked_name} {place[1]}")
            self.asked_names[thread] = answer.asked_name
            step = min(TICKS) if answer.kind in TICKS else answer.kind
            steps = self.orders.setdefault(thread, [])
            if step not in steps and answer.kind != ERROR:
                steps.append(step)

    def messages(self) -> Counter[int]:
        total: Counter[int] = Counter()
        for key, seen in self.seen.items():
            total[key.kind] += seen.messages
        return total


class Talk(NamedTuple):
    """One connection as recorded and as played again."""

    number: int
    version: int
    recorded_handshake: tuple[str, ...]
    our_handshake: tuple[str, ...]
    recorded: Sequence[Message]
    ours: Sequence[Message]


@dataclass
class Comparison:
    differences: list[Difference]
    recorded: Counter[int]
    ours: Counter[int]
    not_compared: list[str]
    notes: list[str]
    moment: Moment


def compare(talks: Iterable[Talk], when: Moment) -> Comparison:
    """`when`: the time at which the simulator played them."""
    recorded, ours = Side(), Side()
    earlier = Earlier()
    differences: list[Difference] = []
    not_compared: list[str] = []
    for talk in talks:
        theirs = answers(talk.recorded, talk.number, talk.version)
        mine = answers(talk.ours, talk.number, talk.version)
        passed_over = _unknown(mine) - _unknown(theirs)
        not_compared += _say_unknown(mine, passed_over)
        recorded.add(theirs, talk.version, passed_over)
        earlier.add(theirs)
        ours.add(mine, talk.version, passed_over)
        differences += _handshakes(talk) + _starts(talk, theirs, mine)
    miscounted = [key for key in sorted(recorded.counts.keys() & ours.counts.keys())
                  if recorded.counts[key] != ours.counts[key]]  # fmt: skip
    differences += [_difference("fields", key.name, "", str(key), _counts(recorded.counts[key]),
                                _counts(ours.counts[key])) for key in miscounted]  # fmt: skip
    for key in sorted(recorded.seen.keys() & ours.seen.keys()):
        if key._replace(marks=()) not in miscounted:
            differences += _messages(key, recorded.seen[key], ours.seen[key])
    differences += _orders(recorded, ours)
    for kind, difference in _kinds(recorded, ours):
        if reason := earlier.unknowable(kind, difference.asked, closed=when.closed):
            not_compared.append(f"{difference.message}, {difference.asked}: {reason}")
        else:
            differences.append(difference)
    return Comparison(list(dict.fromkeys(differences)), recorded.messages(), ours.messages(), not_compared,
                      _not_met(recorded, ours), when)  # fmt: skip


def _unknown(talk: Iterable[Answer]) -> set[tuple[int, int]]:
    return {(each.connection, each.asked.place) for each in talk if each.asked and NO_CONTRACT in each.marks}


def _say_unknown(talk: Iterable[Answer], passed_over: set[tuple[int, int]]) -> list[str]:
    said = {}
    for each in talk:
        if each.asked and (place := (each.connection, each.asked.place)) in passed_over:
            said[place] = (f"connection {place[0]}, request {place[1]}, {each.asked.name}: "
                           "the simulator has no such contract")  # fmt: skip
    return list(said.values())


def _handshakes(talk: Talk) -> list[Difference]:
    found = []
    if len(talk.recorded_handshake) != len(talk.our_handshake):
        found.append(_difference("fields", "handshake", "", "", len(talk.recorded_handshake), len(talk.our_handshake)))
    for name, theirs, mine in zip(("version", "time"), talk.recorded_handshake, talk.our_handshake, strict=False):
        left, right = Forms(), Forms()
        kind = "date" if name == "time" else ""
        left.add(kind, theirs)
        right.add(kind, mine)
        if said := differ(left, right):
            found.append(Difference("format", "handshake", name, "", said, ""))
    return found


def _starts(talk: Talk, theirs: Sequence[Answer], mine: Sequence[Answer]) -> list[Difference]:
    """The order of the first messages, until the client's first request."""
    left, right = (list(dict.fromkeys(each.kind for each in side)) for side in (_begin(talk.recorded, theirs),
                                                                                _begin(talk.ours, mine)))  # fmt: skip
    return _order("start-up", left, right)


def _begin(messages: Sequence[Message], talk: Sequence[Answer]) -> Sequence[Answer]:
    """Answers before the first request that is not startApi."""
    count = 0
    for message in messages:
        if message.direction == TO_TWS and message.fields[0] != str(START_API):
            break
        count += message.direction != TO_TWS
    return talk[:count]


def _messages(key: Key, recorded: Seen, ours: Seen) -> list[Difference]:
    found = []
    for name, theirs in recorded.forms.items():
        if said := differ(theirs, ours.forms.get(name, Forms())):
            found.append(Difference("format", key.name, name, str(key), said, ""))
    return found


def _counts(counts: Iterable[int]) -> str:
    return " or ".join(map(str, sorted(counts)))


def _order(asked: str, recorded: Sequence[int], ours: Sequence[int]) -> list[Difference]:
    """Only of the kinds both have, by their first occurrence."""
    left = [kind for kind in recorded if kind in ours]
    right = [kind for kind in ours if kind in recorded]
    return [] if left == right else [_difference("order", asked, "", asked, _names(left), _names(right))]


def _names(kinds: Iterable[int]) -> str:
    return ", ".join(OUTGOING.get(kind, str(kind)) for kind in kinds)


def _orders(recorded: Side, ours: Side) -> list[Difference]:
    found = []
    for thread, steps in recorded.orders.items():
        name = recorded.asked_names[thread]
        if name not in (UNASKED, INCOMING[START_API]):
            found += _order(name, steps, ours.orders.get(thread, []))
    return found


def _kinds(recorded: Side, ours: Side) -> list[tuple[int, Difference]]:
    """Kinds of message that only one side has, each with its id."""
    found = []
    everything = ours.messages()
    for asked in sorted(recorded.kinds.keys() | ours.kinds.keys()):
        theirs, mine = recorded.kinds.get(asked, Counter()), ours.kinds.get(asked, Counter())
        missing = [kind for kind in theirs.keys() - mine.keys() if asked != UNASKED or not everything[kind]]
        found += [(kind, _difference("never sent", _names([kind]), "", asked, theirs[kind], 0))
                  for kind in sorted(missing)]  # fmt: skip
        surplus = sorted(mine.keys() - theirs.keys() - OF_THE_MOMENT)
        found += [(kind, _difference("only ours", _names([kind]), "", asked, 0, mine[kind])) for kind in surplus]
    return found


def _not_met(recorded: Side, ours: Side) -> list[str]:
    """Marks of the recording that none of our messages had: their forms could not be compared."""
    met = {(key.kind, key.asked) for key in ours.seen}
    return [f"{key.name} ({key}) was not met: not compared" for key in sorted(recorded.seen.keys() - ours.seen.keys())
            if (key.kind, key.asked) in met]  # fmt: skip


def _difference(what: What, message: str, name: str, asked: str, recorded: object, ours: object) -> Difference:
    return Difference(what, message, name, asked, str(recorded), str(ours))
