"""The two tables of docs/libraries.md: written by dev/libraries_table.py, read by test_where_it_works.py."""

from collections.abc import Mapping
from pathlib import Path

from ways_of_use import APIS, WAYS

PAGE = Path(__file__).resolve().parents[2] / "docs" / "libraries.md"
ENVIRONMENTS = [(library, python) for library in ("ib_insync", "ib_async") for python in ("3.11", "3.12", "3.13")]
BEGIN, END = "<!-- {}: begin, written by `make libraries-table` -->", "<!-- {}: end -->"

Outcomes = Mapping[tuple[str, str], Mapping[str, str]]
"""(library, Python) -> way -> outcome."""


def read(page: str, api: str) -> dict[tuple[str, str], dict[str, str]]:
    """The table of one way to TWS. Raises ValueError when the page has none."""
    lines = _parts(page, api)[1].strip().splitlines()
    header, _, *rows = [[cell.strip() for cell in line.strip().strip("|").split("|")] for line in lines]
    return {(row[0], row[1]): dict(zip(header[2:], row[2:], strict=True)) for row in rows}


def written(page: str, measured: Mapping[str, Outcomes]) -> str:
    """The page with the tables of what was measured: API -> its outcomes."""
    for api in APIS:
        begin, old, end = _parts(page, api)
        page = page.replace(begin + old + end, begin + _table(measured[api]) + end)
    return page


def _parts(page: str, api: str) -> tuple[str, str, str]:
    begin, end = BEGIN.format(api), END.format(api)
    if page.count(begin) != 1 or page.count(end) != 1:
        raise ValueError(f"docs/libraries.md has not exactly one pair of the lines {begin!r} and {end!r}")
    return begin, page.partition(begin)[2].partition(end)[0], end


def _table(outcomes: Outcomes) -> str:
    rows = [["library", "Python", *WAYS], ["---"] * (2 + len(WAYS))]
    rows += [[*environment, *(outcomes[environment][way] for way in WAYS)] for environment in ENVIRONMENTS]
    return "\n\n" + "".join(f"| {' | '.join(row)} |\n" for row in rows) + "\n"
