"""Smile and term structure as SVG that stands inside an HTML page: no ids that clash, no outside names, and colours
that are the page's own (CSS variables), so that a chart follows light and dark. The same input gives the same text."""

import io
import re
from collections.abc import Callable, Sequence
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from v6.report.smiles import Point, Smile

INK, SOFT, RULE, PAPER = "#010101", "#010102", "#010103", "#010104"
SERIES = ("#020201", "#020202", "#020203", "#020204", "#020205", "#020206")
"""Stand-ins that nothing else draws with; the page's variables take their place."""
VARIABLES = {INK: "--ink", SOFT: "--soft", RULE: "--rule", PAPER: "--card"}
VARIABLES |= {colour: f"--series-{number}" for number, colour in enumerate(SERIES, start=1)}
STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",  # text stays text: it can be read aloud, and takes the page's font
    "font.size": 9,
    "axes.edgecolor": RULE,
    "axes.labelcolor": SOFT,
    "axes.facecolor": "none",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": RULE,
    "grid.linewidth": 0.6,
    "xtick.color": RULE,
    "ytick.color": RULE,
    "xtick.labelcolor": SOFT,
    "ytick.labelcolor": SOFT,
    "text.color": INK,
    "figure.facecolor": "none",
    "savefig.facecolor": "none",
}
NO_METADATA = dict.fromkeys(("Creator", "Date", "Format", "Type"))
WIDTH, HEIGHT = 5.2, 3.0
ROOM = 1.2  # for the words beside the last point


def smile(data: Smile) -> str:
    """Volatility by strike, one line an expiry; hollow points are computed ones. Of a large chain lines alone."""

    def draw(axes: Any) -> None:
        if data.spot is not None:
            axes.axvline(data.spot, color=SOFT, linewidth=0.8, linestyle=(0, (2, 3)))
        for curve, colour in zip(data.drawn, _colours(len(data.drawn)), strict=True):
            axes.plot(*_xy(curve.points), color=colour, linewidth=1.4)
            for computed, face in ((False, colour), (True, PAPER)) if data.marked else ():
                marked = [point for point in curve.points if point.computed is computed]
                axes.plot(*_xy(marked), "o", color=colour, markerfacecolor=face, markersize=3.4)
        axes.set_xlabel("strike")

    return _svg(f"smile-{data.symbol}", f"Volatility smile of {data.symbol}", draw)


def term_structure(data: Smile) -> str:
    """Volatility by days to expiry: at the strike nearest the price, and the constant-maturity points (diamonds)."""

    def draw(axes: Any) -> None:
        for curve, colour in zip(data.drawn, _colours(len(data.drawn)), strict=True):
            for point in curve.nearest:
                face = PAPER if point.computed else colour
                axes.plot(curve.dte, point.iv, "o", color=colour, markerfacecolor=face, markersize=4.2)
        for days, iv in data.constant:
            axes.plot(days, iv, "D", color=INK, markersize=6)
            words = f"{days}d  {iv * 100:.2f} %"
            axes.annotate(words, (days, iv), (7, 7), textcoords="offset points").set_in_layout(False)
        days_shown = [*(curve.dte for curve in data.drawn), *(days for days, _ in data.constant)]
        axes.set_xlim(0, max(days_shown) * ROOM + 1)
        axes.set_xlabel("days to expiry")
        axes.margins(y=0.25)

    return _svg(f"term-{data.symbol}", f"Term structure of {data.symbol}", draw)


def _xy(points: Sequence[Point]) -> tuple[list[float], list[float]]:
    return [point.strike for point in points], [point.iv for point in points]


def _colours(count: int) -> list[str]:
    return [SERIES[index % len(SERIES)] for index in range(count)]


def _svg(name: str, title: str, draw: Callable[[Any], None]) -> str:
    with mpl.rc_context({**STYLE, "svg.hashsalt": name}):
        figure = Figure(figsize=(WIDTH, HEIGHT), layout="constrained")
        axes = figure.add_subplot()
        draw(axes)
        axes.yaxis.set_major_formatter(PercentFormatter(1.0, symbol=" %"))
        axes.yaxis.set_major_locator(MaxNLocator(5))
        axes.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
        axes.tick_params(length=0)
        text = io.StringIO()
        figure.savefig(text, format="svg", metadata=NO_METADATA)
    return _inline(text.getvalue(), re.sub(r"[^A-Za-z0-9-]", "-", name), title)


def _inline(svg: str, name: str, title: str) -> str:
    """As a part of an HTML page: without prologue, metadata, namespaces and a size of its own."""
    from html import escape

    body = svg[svg.index("<svg") :]
    body = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>", "", body, flags=re.DOTALL)
    box = re.search(r'viewBox="[^"]*"', body)
    assert box is not None
    label = escape(title, quote=True)
    body = re.sub(r"<svg[^>]*>", f'<svg {box[0]} role="img" aria-label="{label}"><title>{label}</title>', body, count=1)
    body = re.sub(r"font-family: [^;\"]*;?", "", body)
    body = body.replace('id="', f'id="{name}-').replace('href="#', f'href="#{name}-').replace("url(#", f"url(#{name}-")
    body = body.replace("xlink:href", "href")
    return re.sub(r"#01010\d|#02020\d", lambda match: f"var({VARIABLES[match[0]]})", body)
