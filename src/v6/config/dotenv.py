"""`.env`: NAME=value lines. Nothing is expanded or executed. Standard library only, light processes read it too."""

import re

LINE = re.compile(r"(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)=(.*)")
COMMENT = re.compile(r"\s+#.*")


class DotenvError(Exception):
    """A line is not NAME=value; the message carries its number."""


def parse(text: str) -> dict[str, str]:
    """Names and values, the last of a name wins. A value may be quoted; an unquoted one ends before ` #`."""
    values = {}
    for number, raw in enumerate(text.splitlines(), start=1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        match = LINE.fullmatch(line)
        if match is None:
            raise DotenvError(f"line {number}: is not NAME=value")
        name, value = match.groups()
        values[name] = _unquoted(value.strip(), number)
    return values


def _unquoted(value: str, number: int) -> str:
    quote = value[:1]
    if quote in ("'", '"'):
        inner, closing, rest = value[1:].partition(quote)
        if not closing or (rest.strip() and not rest.lstrip().startswith("#")):
            raise DotenvError(f"line {number}: the closing {quote} is missing or followed by text")
        return inner
    return "" if value.startswith("#") else COMMENT.sub("", value)


def read(path: object) -> dict[str, str]:
    """The names and values in the file; none when it does not exist. Raises DotenvError, OSError."""
    try:
        with open(str(path), encoding="utf-8") as file:
            return parse(file.read())
    except FileNotFoundError:
        return {}
