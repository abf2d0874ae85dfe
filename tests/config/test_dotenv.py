"""`.env` is read as NAME=value lines, nothing is expanded."""

from pathlib import Path

import pytest

from v6.config import dotenv


def test_values_quotes_and_comments() -> None:
    text = "# a comment\nA=1\nexport B='two words' # why\nC=\"x # y\"\nD=plain # comment\nE=$HOME\nF=\n\nA=2\n"
    read = dotenv.parse(text)
    assert read == {"A": "2", "B": "two words", "C": "x # y", "D": "plain", "E": "$HOME", "F": ""}


@pytest.mark.parametrize("line", ["no equals sign", "1A=2", "A='open", "A='x'y", "A B=1"])
def test_other_lines_are_refused_with_their_number(line: str) -> None:
    with pytest.raises(dotenv.DotenvError, match="line 2: "):
        dotenv.parse(f"OK=1\n{line}\n")


def test_a_missing_file_sets_nothing(tmp_path: Path) -> None:
    assert dotenv.read(tmp_path / ".env") == {}
