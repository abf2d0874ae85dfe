"""The first and last line around what V6 installs: whose it is, and whether a person has edited it since.

# V6 installation, sha256 <of the lines between>: ...
...
# End of the V6 installation.
"""

import hashlib
import re
from typing import NamedTuple

BEGIN = re.compile(r"# V6 installation, sha256 ([0-9a-f]{64})\b.*")
END = "# End of the V6 installation."
WORDS = "install_scheduler.sh replaces it; lines commented out by hand stay out"


class Marked(NamedTuple):
    """A text with an installation of V6 in it. `before` and `after` are not V6's; `intact`: as it was written."""

    before: str
    block: str
    """With both marks."""
    after: str
    intact: bool

    @property
    def body(self) -> str:
        return "".join(self.block.splitlines(keepends=True)[1:-1])


def sealed(body: str) -> str:
    """With both marks around it; `body` ends with a newline."""
    return f"# V6 installation, sha256 {_sum(body)}: {WORDS}.\n{body}{END}\n"


def find(text: str) -> Marked | None:
    """The first installation in the text, None where there is none, or one without its end."""
    lines = text.splitlines(keepends=True)
    for first, line in enumerate(lines):
        begin = BEGIN.fullmatch(line.rstrip("\n"))
        if begin is None:
            continue
        for last in range(first + 1, len(lines)):
            if lines[last].rstrip("\n") == END:
                body = "".join(lines[first + 1 : last])
                parts = lines[:first], lines[first : last + 1], lines[last + 1 :]
                before, block, after = ("".join(part) for part in parts)
                return Marked(before, block, after, _sum(body) == begin[1])
        return None
    return None


def _sum(body: str) -> str:
    return hashlib.sha256(body.encode(errors="surrogateescape")).hexdigest()
