"""The page as HTML: one file, no request to anywhere, every text from data escaped."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

from v6.report import charts
from v6.report.completeness import Cell
from v6.report.day import ReportDay
from v6.report.smiles import Smile
from v6.store.columns import Unit

HERE = Path(__file__).parent
FORMATS: dict[Unit, str] = {
    "price": "{:,.2f}",
    "money": "{:,.2f}",
    "size": "{:,.0f}",
    "signed_size": "{:,.0f}",
    "greek": "{:.4g}",
    "rank": "{:.1f}",
    "ratio": "{:.3f}",
    "measure": "{:.4g}",
}
IN_PERCENT: dict[Unit, str] = {"volatility": "{:.2f} %", "difference": "{:+.2f} pp", "fraction": "{:+.2f} %"}
IN_PERCENT["slope"] = "{:+.3f} %"
BACKTICKS = re.compile(r"`([^`]+)`")
SPARK_WIDTH, SPARK_HEIGHT, SPARK_MARGIN = 84.0, 20.0, 2.5
SHADES = ((1.0, "all"), (0.9, "most"), (0.5, "half"), (0.0, "few"))


def render(report: ReportDay) -> str:
    """The whole page."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"number": number, "spark": sparkline, "clock": wall, "percent": percent, "code": code}
    pictures: dict[str, tuple[Markup, Markup]] = {one.symbol: _pictures(one) for one in report.smiles if one.drawn}
    style = Markup((HERE / "page.css").read_text(encoding="utf-8"))  # noqa: S704 - our own file
    return environment.get_template("page.html.j2").render(
        report=report, pictures=pictures, style=style, shade=shade, headline=headline(report), cell_words=cell_words
    )


def _pictures(one: Smile) -> Any:
    from markupsafe import Markup

    return Markup(charts.smile(one)), Markup(charts.term_structure(one))  # noqa: S704 - their texts are escaped there


def headline(report: ReportDay) -> dict[str, float | int | None]:
    """Contracts complete of those expected, over the slots that are over, and slots likewise."""
    cells = [cell for band in report.grid.bands for cell in band.cells if cell is not None and cell.share is not None]
    expected = sum(cell.expected or 0 for cell in cells)
    complete = sum(cell.complete for cell in cells)
    return {"expected": expected, "complete": complete, "share": complete / expected if expected else None}


def number(value: object, unit: Unit | None = None) -> str:
    """A stored value in words; a measure keeps four figures, a volatility is in percent."""
    if isinstance(value, datetime | date):
        return str(value)
    if isinstance(value, float):
        if unit in IN_PERCENT:
            return IN_PERCENT[unit].format(value * 100).replace("-", "−")
        return FORMATS.get(unit or "measure", "{:.4g}").format(value).replace("-", "−")
    return f"{value:,}" if isinstance(value, int) else str(value)


def percent(share: float | None) -> str:
    """Rounded down, so that only all of it is 100 %."""
    return "-" if share is None else f"{int(share * 1000) / 10:g} %"


def code(words: str) -> Any:
    """Words with what stands between backticks as code; the rest escaped."""
    from markupsafe import Markup, escape

    return Markup(BACKTICKS.sub(r"<code>\1</code>", str(escape(words))))  # noqa: S704 - escaped before


def wall(instant: datetime | None) -> str:
    return "" if instant is None else f"{instant:%H:%M}"


def shade(cell: Cell) -> str:
    """The class of a cell: how much of it is there."""
    share = cell.share
    if share is None:
        return "open"
    return next((name for least, name in SHADES if share >= least and (share or not least) and share > 0), "none")


def cell_words(task: str, symbol: str, cell: Cell) -> str:
    """What a cell says when it is pointed at."""
    counts = f"{cell.complete} of {'?' if cell.expected is None else cell.expected} complete"
    words = [f"{symbol} {cell.slot:%H:%M} {task}: {cell.verdict}, {counts}"]
    words += [f"{reason} {count}" for reason, count in cell.reasons.items()]
    return "; ".join([*words, cell.note] if cell.note else words)


def sparkline(history: Sequence[float | None]) -> dict[str, Any] | None:
    """Lines through neighbouring sessions that have a value, points for those without such a neighbour; None: no value.

    Keys: `lines` (lists of x,y), `points`, `last` (x, y or None), `low`, `high`, `count`.
    """
    values = [value for value in history if value is not None]
    if not values:
        return None
    low, high = min(values), max(values)
    width, height = SPARK_WIDTH - 2 * SPARK_MARGIN, SPARK_HEIGHT - 2 * SPARK_MARGIN
    step = width / max(len(history) - 1, 1)

    def place(index: int, value: float) -> tuple[float, float]:
        share = (value - low) / (high - low) if high > low else 0.5
        return round(SPARK_MARGIN + index * step, 1), round(SPARK_MARGIN + (1 - share) * height, 1)

    runs: list[list[tuple[float, float]]] = [[]]
    for index, value in enumerate(history):
        if value is None:
            runs.append([])
        else:
            runs[-1].append(place(index, value))
    last = history[-1]
    return {
        "lines": [" ".join(f"{x},{y}" for x, y in run) for run in runs if len(run) > 1],
        "points": [run[0] for run in runs if len(run) == 1],
        "last": None if last is None else place(len(history) - 1, last),
        "low": low,
        "high": high,
        "count": len(values),
    }
