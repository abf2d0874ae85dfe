"""What a page of docs/ shows, held against what there is."""

import re
from pathlib import Path
from typing import Any

import typer

from v6.cli import app
from v6.paths import ROOT

COMMAND = re.compile(r"^ +v6 (?P<words>[a-z]+(?: [a-z]+)?)(?P<rest>[^#\n]*)", re.MULTILINE)


def page(name: str) -> str:
    return Path(ROOT, "docs", name).read_text(encoding="utf-8")


def require_commands(text: str) -> int:
    """Every `v6 ...` that stands on a line of its own exists, with its options; how many there are."""
    shown = [(match["words"].split(), re.findall(r"--[a-z-]+", match["rest"])) for match in COMMAND.finditer(text)]
    for words, options in shown:
        command: Any = typer.main.get_command(app)
        for word in words:
            if getattr(command, "commands", None):
                assert word in command.commands, f"v6 {' '.join(words)}"
                command = command.commands[word]
        known = {name for parameter in command.params for name in parameter.opts}
        assert set(options) <= known, f"v6 {' '.join(words)}"
    return len(shown)
