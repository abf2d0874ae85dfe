"""What a benchmark prints is what `dev/bench.py` reads."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from v6.paths import ROOT


def loaded(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"benchmark_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_missed_bar_of_the_lake_is_a_no_and_there_is_no_header(capsys: pytest.CaptureFixture[str]) -> None:
    lake = loaded(ROOT / "tests" / "bench" / "lake.py")

    lake.show([(name, "41.0 B", "<= 40 B", lake.verdict(figure, 40)) for name, figure in (("a", 41.0), ("b", 39.0))])

    rows = [[cell.strip() for cell in line.split("|")] for line in capsys.readouterr().out.splitlines()]
    assert rows == [["a", "41.0 B", "<= 40 B", "NO"], ["b", "41.0 B", "<= 40 B", "yes"]]
    assert lake.verdict(1.0, None) == "-"


def test_what_the_readme_claims_to_have_measured_has_a_figure_and_a_bar_l36() -> None:
    page = (ROOT / "README.md").read_text(encoding="utf-8").partition("## Measured")[2].partition("\n## ")[0]
    rows = [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in page.splitlines() if line[:2] == "| "]

    assert rows[0] == ["what", "measured", "bar"]
    for what, measured, bar in rows[1:]:
        assert any(sign.isdigit() for sign in measured), what
        assert bar == "-" or any(sign.isdigit() for sign in bar), what
