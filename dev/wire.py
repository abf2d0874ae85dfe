"""Write what follows from the code: scripts/<job>.py for every job, crontab.txt, the table of verdicts in
docs/connection.md, the lake's tables in docs/data.md, and the alerts and the doctor's lines in docs/operations.md.

`make wire` runs it; a test fails while a file on disk is not what it would write.
"""

import ast
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from v6.alerts import advice
from v6.config.load import load
from v6.doctor import lines as doctor
from v6.gateway.verdicts import TABLE
from v6.paths import Paths
from v6.scheduler import crontab
from v6.store.columns import REASONS, UNITS, WHY_NULL, Column, Table
from v6.store.tables import TABLES

ROOT = Path(__file__).resolve().parents[1]
ZONE = "America/New_York"
INSTALLED_IN = "/opt/v6"

VERDICTS = ("<!-- verdicts: written by make wire -->", "<!-- end of verdicts -->")
HEADER = ("", "| verdict | in words | what it means | what to do | exit |", "|---|---|---|---|---|")

DOCTOR = ("<!-- doctor: written by make wire -->", "<!-- end of doctor -->")
DOCTOR_HEADER = ("", "| line | what holds | what to do |", "|---|---|---|")

ALERTS = ("<!-- alerts: written by make wire -->", "<!-- end of alerts -->")
ALERTS_HEADER = ("", "| alert | what it means | what to do |", "|---|---|---|")

LAKE = ("<!-- tables: written by make wire -->", "<!-- end of tables -->")
NAMED_SETS = {WHY_NULL: "why null", REASONS: "why missed"}
"""Closed sets of many words that many columns share: listed once."""

STUB = '''#!/usr/bin/env python3
"""{words}"""

from v6.runner.main import main

if __name__ == "__main__":
    main("{job}")
'''


def jobs(root: Path = ROOT) -> Iterator[Path]:
    """The module of every job."""
    yield from sorted(path for path in (root / "src" / "v6" / "jobs").glob("*.py") if path.name != "__init__.py")


def script_of(job: Path) -> str:
    """The stub of one job; its docstring is the job's own: usage, needs, whether a repeat is safe, exit codes."""
    words = ast.get_docstring(ast.parse(job.read_text(encoding="utf-8")))
    if not words:
        raise SystemExit(f"{job}: has no docstring: usage, what it needs, whether a repeat is safe, exit codes")
    if "\\" in words or '"""' in words:
        raise SystemExit(f"{job}: its docstring holds a backslash or triple quotes and cannot become a script's")
    return STUB.format(words=f"{words}\n" if "\n" in words else words, job=job.stem)


def scripts(root: Path = ROOT) -> dict[Path, str]:
    return {root / "scripts" / job.name: script_of(job) for job in jobs(root)}


def expected(root: Path = ROOT) -> dict[Path, str]:
    """Every file that follows from others, with its text."""
    files = scripts(root)
    with tempfile.TemporaryDirectory() as nobody:
        config = load(Paths(root, Path(nobody)), {})
    reboot_line = config.settings.install.reboot_line
    files[root / "crontab.txt"] = crontab.render(config.scheduler, ZONE, INSTALLED_IN, reboot_line=reboot_line)
    for name, rewritten in (
        ("connection.md", with_verdicts),
        ("data.md", with_tables),
        ("operations.md", with_operations),
    ):
        guide = root / "docs" / name
        files[guide] = rewritten(guide.read_text(encoding="utf-8"))
    return files


def with_verdicts(page: str) -> str:
    """The page with the rows of `verdicts.TABLE` in the place of those it has."""
    rows = (f"| `{name}` | {row.words} | {row.meaning} | {row.cure} | {row.exit_code} |" for name, row in TABLE.items())
    return between(page, "docs/connection.md", VERDICTS, [*HEADER, *rows])


def with_operations(page: str) -> str:
    return with_alerts(with_doctor(page))


def with_alerts(page: str) -> str:
    """The page with what each alert means in the place of what it says."""
    kinds = advice.KINDS.values()
    rows = [(one.name, one.meaning, one.do.replace("|", "\\|").replace("TASK", "<task>") or "nothing") for one in kinds]
    return between(page, "docs/operations.md", ALERTS, [*ALERTS_HEADER, *(f"| {' | '.join(row)} |" for row in rows)])


def with_doctor(page: str) -> str:
    """The page with the doctor's lines in the place of those it has."""
    rows = (f"| {name} | {line.holds} | {line.cure} |" for name, line in doctor.TABLE.items())
    return between(page, "docs/operations.md", DOCTOR, [*DOCTOR_HEADER, *rows])


def with_tables(page: str) -> str:
    """The page with the lake's tables, units and closed sets in the place of those it has."""
    units = [f"| {unit} | {meaning} |" for unit, meaning in UNITS.items()]
    words = [
        f"- *{name}:* {', '.join(f'`{word}`' for word in sorted(allowed))}" for allowed, name in NAMED_SETS.items()
    ]
    known = [
        "",
        "| unit | a number of it is |",
        "|---|---|",
        *units,
        "",
        "Reasons, each column one of its set:",
        "",
        *words,
    ]
    return between(page, "docs/data.md", LAKE, known + [line for table in TABLES.values() for line in _table(table)])


def between(page: str, label: str, marks: tuple[str, str], lines: Iterable[str]) -> str:
    """The page with these lines between its two marks."""
    head, begin, rest = page.partition(marks[0])
    _, end, tail = rest.partition(marks[1])
    if not (begin and end):
        raise SystemExit(f"{label} has lost its marks {marks[0]} and {marks[1]}")
    return "\n".join([f"{head}{begin}", *lines, f"{end}{tail}"])


def _table(table: Table) -> list[str]:
    key = ", ".join(f"`{name}`" for name in table.key)
    words = f"{table.meaning[0].upper()}{table.meaning[1:]}. Partition `{table.partition}`, key {key}."
    rows = [
        f"| `{column.name}` | {_type(column)} | {column.unit or ''} | {_meaning(column)} |" for column in table.columns
    ]
    header = ["| column | type | unit | meaning |", "|---|---|---|---|"]
    return ["", f"### {table.name}", "", words, "", *header, *rows]


def _type(column: Column) -> str:
    return f"{column.type}, required" if column.required else column.type


def _meaning(column: Column) -> str:
    """In words, with the closed set of a string."""
    allowed = column.allowed or frozenset()
    if allowed in NAMED_SETS:
        words = f"{column.meaning} (*{NAMED_SETS[allowed]}*)"
    elif allowed and not all(word in column.meaning for word in allowed):
        words = f"{column.meaning}: {', '.join(f'`{word}`' for word in sorted(allowed))}"
    else:
        words = column.meaning
    return words.replace("|", "\\|")


def main() -> None:
    write(scripts())  # first: a configuration that names a missing script is refused
    write(expected())


def write(files: Mapping[Path, str]) -> None:
    for path, text in files.items():
        path.write_text(text, encoding="utf-8")
        path.chmod(0o755 if path.suffix == ".py" else 0o644)


if __name__ == "__main__":
    main()
