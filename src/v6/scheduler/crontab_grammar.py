"""Our own crontab grammar, stricter than any cron's: what it accepts means the same to Debian's cron and to cronie.

Debian's cron ignores a WHOLE file for one bad line and tells only syslog; hence nothing is installed that fails here.
"""

import re
from collections.abc import Iterator

MAX_LINE = 998
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
FIELDS = (("minute", 0, 59), ("hour", 0, 23), ("day of month", 1, 31), ("month", 1, 12), ("day of week", 0, 7))
NAMES = {
    "month": {name: number for number, name in enumerate(MONTHS, 1)},
    "day of week": {name: number for number, name in enumerate(WEEKDAYS)},
}

VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]*=(\"[^\"\\]*\"|'[^'\\]*'|[^\s\"'\\]*)")
ITEM = re.compile(r"(?:(\*)|([0-9]{1,2}|[a-z]{3})(?:-([0-9]{1,2}|[a-z]{3}))?)(?:/([0-9]{1,2}))?")
LIKE_A_FIELD = re.compile(r"[0-9*][0-9*,/\-]*")
REBOOT = "@reboot"
"""The only word allowed for time fields: Debian's cron and cronie run such a line once after a start of the host."""
USER = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,31}")


class CrontabError(Exception):
    """`problems`: one line each, `line N: what is wrong`."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def check(text: str, *, system: bool = False) -> None:
    """Raises CrontabError with every problem. `system`: /etc/cron.d format, a user before the command."""
    problems = [f"line {number}: {problem}" for number, problem in _problems(text, system)]
    if problems:
        raise CrontabError(problems)


def minutes_of(field: str, name: str) -> frozenset[int]:
    """The values a time field stands for; Sunday is 0. Raises ValueError."""
    low, high = next((low, high) for known, low, high in FIELDS if known == name)
    values: set[int] = set()
    for item in field.split(","):
        values |= _item(item, name, low, high)
    return frozenset(value % 7 for value in values) if name == "day of week" else frozenset(values)


def _problems(text: str, system: bool) -> Iterator[tuple[int, str]]:
    if not text.endswith("\n"):
        yield text.count("\n") + 1, "the last line does not end: cron would ignore the file"
    for number, line in enumerate(text.splitlines(), start=1):
        if (length := len(line.encode(errors="surrogateescape"))) > MAX_LINE:
            yield number, f"{length} characters, allowed: at most {MAX_LINE}"
        if not line.isprintable():
            yield number, "holds a control character"
        elif line and not line.startswith("#") and not VARIABLE.fullmatch(line):
            for problem in _entry(line, system):
                yield number, problem


def _entry(line: str, system: bool) -> Iterator[str]:
    times = 1 if line.startswith("@") else 5
    words = line.split(" ", times + system)
    if times == 1 and words[0] != REBOOT:
        yield f"{words[0]}: not understood by every cron, allowed: five time fields or {REBOOT}"
        return
    if len(words) < times + system + 1:
        fields = "five time fields" if times == 5 else REBOOT
        yield f"{len(words)} words, allowed: {fields}, {'a user, ' if system else ''}a command"
        return
    yield from _times(words[:5]) if times == 5 else ()
    yield from _command(words[-1], words[times] if system else None)


def _times(words: list[str]) -> Iterator[str]:
    for (name, _, _), field in zip(FIELDS, words, strict=False):
        try:
            minutes_of(field, name)
        except ValueError as error:
            yield f"{name}: {error}"


def _command(command: str, user: str | None) -> Iterator[str]:
    """`user`: None in a crontab without that column."""
    if user is not None and not USER.fullmatch(user):
        yield f"user: {user!r} is not a user's name"
    if not command.strip() or command.startswith(" "):
        yield "the command is missing or set off by several spaces"
    elif LIKE_A_FIELD.fullmatch(command.split(" ", 1)[0]):
        yield f"six time fields: {command.split(' ', 1)[0]!r} stands where the command begins"
    elif re.search(r"(?<!\\)%", command):
        yield "an unescaped % (cron makes it a newline), allowed: \\%"


def _item(item: str, name: str, low: int, high: int) -> set[int]:
    match = ITEM.fullmatch(item)
    if match is None:
        raise ValueError(f"{item!r} is not understood, allowed: numbers {low}-{high}, a-b, a-b/step, */step, lists")
    star, first, last, step = match.groups()
    if star:
        start, end = low, 6 if name == "day of week" else high
    else:
        start = _number(first, name, low, high)
        end = _number(last, name, low, high) if last else start
    if step and not (star or last):
        raise ValueError(f"{item!r} steps through a single value, allowed: a-b/step or */step")
    if start > end or (step and not 1 <= int(step) <= high):
        raise ValueError(f"{item!r} runs backwards or has a step outside 1-{high}")
    return set(range(start, end + 1, int(step or 1)))


def _number(text: str, name: str, low: int, high: int) -> int:
    value = int(text) if text.isdigit() else NAMES.get(name, {}).get(text, -1)
    if not low <= value <= high:
        raise ValueError(f"{text!r} is out of range, allowed: {low}-{high}")
    return value
