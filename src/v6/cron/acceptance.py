"""Whether a cron takes a crontab: by its own parser and by our stricter grammar. Nothing is installed that fails one.

Debian's `crontab -n` and cronie's `crontab -T` know the format without users only, so a file for /etc/cron.d is shown
to them without that column, and the users are looked up here.
"""

import pwd
import re
import tempfile
from collections.abc import Iterator

from v6.cron import systemd_cron
from v6.cron.flavour import Flavour
from v6.cron.programs import ask
from v6.cron.roots import HOST, Roots
from v6.scheduler import crontab_grammar

SYNTAX_CHECK = {"debian": "-n", "cronie": "-T"}
ENTRY = re.compile(r"(?P<when>@\S+|(?:\S+ ){4}\S+) (?P<user>\S+) (?P<command>.*)")


def refusals(text: str, flavour: Flavour, system: bool, roots: Roots = HOST) -> list[str]:
    """Why this cron would not take it, [] when it does. A parser that cannot be asked is a refusal too."""
    return [*grammar(text, system), *own_parser(text, flavour, system, roots)]


def grammar(text: str, system: bool) -> list[str]:
    """Ours; and that every user of a system file exists."""
    try:
        crontab_grammar.check(text, system=system)
    except crontab_grammar.CrontabError as error:
        return error.problems
    return list(_unknown_users(text)) if system else []


def own_parser(text: str, flavour: Flavour, system: bool, roots: Roots = HOST) -> list[str]:
    """That cron's own."""
    if flavour.name == "systemd-cron":
        return systemd_cron.refusals(text, system, roots)
    option = SYNTAX_CHECK.get(flavour.name)
    if option is None or flavour.crontab is None:
        return [f"no cron whose parser could be asked: {flavour.why}"]
    with tempfile.NamedTemporaryFile("w", prefix="v6-crontab-", encoding="utf-8", errors="surrogateescape") as file:
        file.write(without_users(text) if system else text)
        file.flush()
        try:
            done = ask(flavour.crontab, option, file.name)
        except OSError as error:
            return [f"{flavour.crontab} {option} cannot be asked: {error}"]
        if done.returncode == 0:
            return []
        said = " ".join(f"{done.stdout} {done.stderr}".split()).replace(file.name, "the crontab")
        return [f"{flavour.crontab} {option} refuses it: {said or f'exit {done.returncode}'}"]


def without_users(text: str) -> str:
    """A system file in the format of a user's crontab."""
    return "".join(_without_user(line) for line in text.splitlines(keepends=True))


def _without_user(line: str) -> str:
    entry = _entry(line)
    return f"{entry['when']} {entry['command']}\n" if entry else line


def _entry(line: str) -> "re.Match[str] | None":
    text = line.rstrip("\n")
    return None if text.startswith("#") or crontab_grammar.VARIABLE.fullmatch(text) else ENTRY.fullmatch(text)


def _unknown_users(text: str) -> Iterator[str]:
    users = {entry["user"] for line in text.splitlines() if (entry := _entry(line))}
    for user in sorted(users):
        try:
            pwd.getpwnam(user)
        except KeyError:
            yield f"user {user} does not exist on this host: cron would ignore its lines, or the whole file"


def users_of(text: str) -> frozenset[str]:
    """Who runs the lines of a system file."""
    return frozenset(entry["user"] for line in text.splitlines() if (entry := _entry(line)))
