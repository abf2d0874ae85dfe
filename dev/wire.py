"""Write what follows from the code: scripts/<job>.py for every job, crontab.txt, and the table of verdicts in
docs/connection.md.

`make wire` runs it; a test fails while a file on disk is not what it would write.
"""

import ast
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from v6.config.load import load
from v6.gateway.verdicts import TABLE
from v6.paths import Paths
from v6.scheduler import crontab

ROOT = Path(__file__).resolve().parents[1]
ZONE = "America/New_York"
INSTALLED_IN = "/opt/v6"

BEGIN, END = "<!-- verdicts: written by make wire -->", "<!-- end of verdicts -->"
HEADER = ("", "| verdict | in words | what it means | what to do | exit |", "|---|---|---|---|---|")

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
        scheduler = load(Paths(root, Path(nobody)), {}).scheduler
    files[root / "crontab.txt"] = crontab.render(scheduler, ZONE, INSTALLED_IN)
    guide = root / "docs" / "connection.md"
    files[guide] = with_verdicts(guide.read_text(encoding="utf-8"))
    return files


def with_verdicts(page: str) -> str:
    """The page with the rows of `verdicts.TABLE` in the place of those it has."""
    head, begin, rest = page.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not (begin and end):
        raise SystemExit(f"docs/connection.md has lost its marks {BEGIN} and {END}")
    rows = (f"| `{name}` | {row.words} | {row.meaning} | {row.cure} | {row.exit_code} |" for name, row in TABLE.items())
    return "\n".join([f"{head}{begin}", *HEADER, *rows, f"{end}{tail}"])


def main() -> None:
    write(scripts())  # first: a configuration that names a missing script is refused
    write(expected())


def write(files: Mapping[Path, str]) -> None:
    for path, text in files.items():
        path.write_text(text, encoding="utf-8")
        path.chmod(0o755 if path.suffix == ".py" else 0o644)


if __name__ == "__main__":
    main()
