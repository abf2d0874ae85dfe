"""Run every benchmark of tests/bench and print one table: figure, bar, verdict.

Each script there measures its subject side by side with what it is compared to, in one run, and prints lines
`name | figure | bar | ok`, where ok is `yes`, `NO` or `-` (reported, no bar). Exit 1 when a bar is missed or a script
fails.
"""

import subprocess
import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parents[1]


def measure(script: Path) -> list[list[str]]:
    done = subprocess.run([sys.executable, str(script)], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
    rows = [[cell.strip() for cell in line.split("|")] for line in done.stdout.splitlines() if line.count("|") == 3]
    if done.returncode != 0 or not rows:
        rows.append([script.stem, f"exit {done.returncode}", "the benchmark runs", "NO"])
    return rows


def main() -> int:
    wanted = set(sys.argv[1:])
    scripts = sorted(p for p in (ROOT / "tests" / "bench").glob("*.py") if not p.name.startswith("_"))
    unknown = wanted - {script.stem for script in scripts}
    if unknown:
        allowed = ", ".join(script.stem for script in scripts)
        sys.exit(f"bench: unknown benchmark {', '.join(sorted(unknown))}; allowed: {allowed}")
    console = Console()
    table = Table("what", "measured", "bar", "ok")
    missed = False
    for script in scripts:
        if wanted and script.stem not in wanted:
            continue
        console.print(f"measuring {script.stem} ...", style="dim")
        for row in measure(script):
            missed |= row[3] == "NO"
            table.add_row(*row)
    console.print(table)
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
