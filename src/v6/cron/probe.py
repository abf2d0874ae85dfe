"""The line that proves that cron fires what is installed: it asks the gate, as a line of a task would.

It stands in the very file that is installed, and only until it has fired. It starts no job, and fires each minute:
where an installer is killed, the line goes on writing one small file until the next installation, and nothing else.
"""

import re
from pathlib import Path

FILE = "var/install/probe.txt"
"""Under V6_HOME: what the gate said, then `exit STATUS TOKEN`."""
HEADING = "# The installer's proof that cron fires this file; the next installation removes it."
ANSWER = re.compile(r"exit ([0-9]+) ([0-9a-f]+)\n?\Z")


def is_in(body: str) -> bool:
    return HEADING in body


def with_probe(body: str, token: str, user: str | None, asked: str) -> str:
    """The body of an installation with the line at its end. `asked`: a script of the schedule with its arguments, as a
    shell has them."""
    home = "$V6_HOME" if '\nV6_HOME="' in body else "$V6_ROOT"
    who = f"{user} " if user else ""
    gate = f'"$V6_ROOT/scripts/cron_wrapper.sh" --explain {asked} >"{home}/{FILE}" 2>&1'
    return f'{body}\n{HEADING}\n* * * * * {who}{gate}; echo "exit $? {token}" >>"{home}/{FILE}"\n'


def without_probe(body: str) -> str:
    lines = body.splitlines(keepends=True)
    for at, line in enumerate(lines):
        if line.rstrip("\n") == HEADING:
            before = at - 1 if at and lines[at - 1] == "\n" else at
            return "".join([*lines[:before], *lines[at + 2 :]])
    return body


def answer(home: Path, token: str) -> tuple[int, str] | None:
    """What the gate said when it fired with this token: its exit code and words; None as long as it has not."""
    try:
        text = (home / FILE).read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return None
    ended = ANSWER.search(text)
    if ended is None or ended[2] != token:
        return None
    return int(ended[1]), text[: ended.start()].strip()
