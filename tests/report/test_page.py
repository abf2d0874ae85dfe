"""The page of a day: one file, nothing from outside, and its figures are those of lake and journal."""

import re
import shutil
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path

import polars as pl
import pytest

from v6.config.load import load
from v6.journal import closed_days
from v6.journal.closed_days import Closed
from v6.journal.database import connect
from v6.paths import ROOT, Paths
from v6.report.completeness import Cell
from v6.report.day import NothingOfDay, ReportDay, read
from v6.report.page import code, percent, render, shade, sparkline
from v6.report.smiles import Curve, Point
from v6.report.statistics_table import grouped
from v6.scheduler.compile import compile_all
from v6.scheduler.nyse_calendar import NYSECalendar
from v6.store.frames import rows_to_frame
from v6.store.result_tables import DAILY_STATISTICS

from . import days
from .days import DAY, HOSTILE, SYMBOLS, slot

pytestmark = pytest.mark.long

SECTIONS = ["slots", "missing", "volatility", "statistics", "quality", "sources"]
VOID = {"meta", "br", "circle", "polyline", "rect", "path", "use", "line", "image", "img", "link"}


class Page(HTMLParser):
    """What a browser would find: tags with their attributes, and the text outside of styles."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.titles: list[str] = []
        self._open: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if "title" in self._open:
            self.titles.append(data)
        elif "style" not in self._open and data.strip():
            self.words.append(" ".join(data.split()))

    @property
    def text(self) -> str:
        return " ".join(self.words)


Of = Callable[[Paths], ReportDay]


@pytest.fixture(scope="module")
def of(tmp_path_factory: pytest.TempPathFactory) -> Of:
    """What the page of a home shows, read on the evening of the day."""
    compiled = Paths(ROOT, tmp_path_factory.mktemp("compiled"))
    assert compile_all(compiled).error == ""

    def seen(paths: Paths) -> ReportDay:
        shutil.copytree(compiled.compiled, paths.compiled)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("v6.clock.now", lambda: slot(19, 30))
            return read(paths, {}, load(paths, {}), NYSECalendar(paths.compiled / "calendar.txt"), DAY)

    return seen


@pytest.fixture(scope="module")
def found(of: Of, tmp_path_factory: pytest.TempPathFactory) -> ReportDay:
    return of(days.whole(tmp_path_factory.mktemp("whole"), ROOT))


@pytest.fixture(scope="module")
def html(found: ReportDay) -> str:
    return render(found)


def test_the_page_asks_nobody_for_anything(html: str) -> None:
    allowed = {"href": "#", "xlink:href": "#"}
    asking = ("href", "src", "srcset", "action", "data", "poster", "xlink:href", "formaction")
    outside = [
        (tag, name, value)
        for tag, attributes in Page(html).tags
        for name, value in attributes.items()
        if name in asking and not (value or "").startswith(allowed.get(name, "?"))
    ]
    assert outside == []
    assert not re.search(r"https?:|//[a-z]|@import|url\((?!#)", html)
    assert not {tag for tag, _ in Page(html).tags} & {"script", "link", "iframe", "object", "embed", "img", "base"}


def test_every_id_is_there_once_and_every_reference_has_its_target(html: str) -> None:
    tags = Page(html).tags
    ids = [attributes["id"] for _, attributes in tags if "id" in attributes]
    wanted = {value[1:] for _, attributes in tags if (value := attributes.get("href") or "").startswith("#")}
    wanted |= set(re.findall(r"url\(#([^)]+)\)", html))

    assert len(ids) == len(set(ids))
    assert wanted <= set(ids)
    assert [one for one in ids if one in SECTIONS] == SECTIONS


def test_the_same_day_gives_the_same_page_to_the_letter(found: ReportDay, html: str) -> None:
    assert render(found) == html


def test_words_from_data_cannot_become_markup(found: ReportDay, html: str) -> None:
    smile = replace(found.smiles[0], symbol=HOSTILE)
    figures = replace(found.statistics, symbols=(HOSTILE, *SYMBOLS[1:]))
    bands = tuple(replace(band, symbol=HOSTILE) for band in found.grid.bands)
    hostile = replace(found, smiles=(smile,), statistics=figures, grid=replace(found.grid, bands=bands))

    page = Page(render(hostile))

    assert "script" not in {tag for tag, _ in page.tags}
    assert any(HOSTILE in title for title in page.titles)
    assert f"bid above ask {HOSTILE}" in Page(html).text


def test_every_slot_of_the_calendar_has_a_cell_for_every_symbol_with_its_reason(found: ReportDay, html: str) -> None:
    bands = {band.symbol: band for band in found.grid.bands if band.task in (days.OPTIONS, days.FUTURES)}
    assert list(bands) == ["ES", "NQ", "RTY", "IWM", "QQQ", "SPY"]
    assert {len([cell for cell in band.cells if cell]) for band in bands.values()} == {78}

    titles = Page(html).titles
    assert "SPY 09:45 collect_option_snapshots: partial, 18 of 20 complete; no_greeks 2" in titles
    assert "RTY 09:50 collect_futures_snapshots: missing, 0 of 1 complete; tws_down 1" in titles
    assert "QQQ 09:45 collect_option_snapshots: complete, 20 of 20 complete" in titles
    assert "IWM 12:00 collect_option_snapshots: missing, 0 of 20 complete; host_down 20" in titles


def test_the_contracts_of_the_page_add_up_to_those_of_the_ledger(html: str) -> None:
    """6 slots of 60 options and 3 futures, less 2 and 1; expected: 78 slots of each."""
    assert f"{6 * 63 - 3} of {78 * 63:,}" in Page(html).text
    assert "no_greeks 2" in Page(html).text
    assert f"host_down {71 * 60:,}" in Page(html).text
    assert "before_first_run 60" in Page(html).text  # 09:30, before the first slot that anything is known of


def test_the_statistics_are_those_of_the_lake(found: ReportDay, html: str, tmp_path: Path) -> None:
    stored = days.statistics(days.lake_of(Paths(ROOT, tmp_path))).filter(pl.col("trade_date") == DAY)
    text = Page(html).text
    for row in stored.iter_rows(named=True):
        assert f"{row['atm_iv_30d'] * 100:.2f} %" in text
        assert f"{row['underlying_close']:,.2f}" in text
    assert "18,234" in text
    assert "−0.110 %" in text
    assert found.statistics.symbols == SYMBOLS


def test_a_null_statistic_says_why_and_is_never_a_number(found: ReportDay, html: str) -> None:
    figures = {statistic.name: statistic.figures for _, group in found.statistics.groups for statistic in group}
    assert (figures["atm_iv_60d"][0].value, figures["atm_iv_60d"][0].reason) == (None, "not_bracketed")
    assert "IWM not_bracketed atm_iv_60d, term_structure_slope" in Page(html).text
    assert "nan" not in re.sub(r"[a-z_]*nan[a-z_]+", "", Page(html).text.lower())


def test_every_statistic_of_the_table_is_on_the_page(html: str) -> None:
    shown = [name for names in grouped().values() for name in names]
    beside = {"month", "trade_date", "symbol", "task", "as_of"}
    wanted = [
        name for name in DAILY_STATISTICS.names if not name.endswith(("_reason", "_count")) and name not in beside
    ]
    words = Page(html).words
    assert sorted(shown) == sorted(wanted)
    assert [name for name in wanted if name not in words] == []


def test_a_sparkline_has_a_gap_where_a_session_has_no_value(found: ReportDay) -> None:
    figures = {statistic.name: statistic.figures for _, group in found.statistics.groups for statistic in group}
    qqq = figures["atm_iv_30d"][1].history

    assert len(qqq) == 20
    assert [index for index, value in enumerate(qqq) if value is None] == [14]
    line = sparkline(qqq)
    assert line is not None
    assert [len(points.split()) for points in line["lines"]] == [14, 5]
    assert line["count"] == 19


def test_a_sparkline_goes_from_the_lowest_to_the_highest_value() -> None:
    line = sparkline([1.0, 3.0, 2.0])
    assert line is not None
    assert line["lines"] == ["2.5,17.5 42.0,2.5 81.5,10.0"]
    assert sparkline([None, None]) is None


def test_the_smile_is_of_the_stored_volatilities_out_of_the_money(found: ReportDay, tmp_path: Path) -> None:
    rows = days.quotes(days.lake_of(Paths(ROOT, tmp_path)))
    last = rows.filter((pl.col("slot") == slot(10, 0).astimezone(UTC)) & (pl.col("symbol") == "SPY"))
    spot = last["underlying_price"].median()
    assert isinstance(spot, float)
    right = pl.when(pl.col("strike") < spot).then(pl.lit("P")).otherwise(pl.lit("C"))
    wanted = last.filter(pl.col("right") == right).sort("strike").select("strike", "iv").rows()

    [smile] = [one for one in found.smiles if one.symbol == "SPY"]

    assert (smile.as_of, smile.spot) == (slot(10, 0), spot)
    assert [(point.strike, point.iv) for curve in smile.curves for point in curve.points] == wanted
    assert len(wanted) > 5
    assert [days for days, _ in smile.constant] == [30, 60]


def test_a_volatility_that_tws_did_not_send_is_the_computed_one_and_marked(of: Of, tmp_path: Path) -> None:
    paths = days.whole(tmp_path, ROOT)
    lake = days.lake_of(paths)
    contract = lake.read("option_snapshots", slot=slot(10, 0), symbols=["SPY"], right="P").row(0, named=True)
    names = ("trade_date", "slot", "con_id", "symbol", "expiry", "strike", "right", "trading_class")
    computed = {name: contract[name] for name in names} | {"task": "calculate_daily_statistics", "computed_iv": 0.4321}
    lake.unite("option_greeks", rows_to_frame("option_greeks", [computed]))
    silent = lake.read("option_snapshots", trade_date=DAY).with_columns(
        iv=pl.when(pl.col("con_id") != contract["con_id"]).then(pl.col("iv"))
    )
    lake.replace("option_snapshots", silent, trade_date=DAY)

    [smile] = [one for one in of(paths).smiles if one.symbol == "SPY"]

    points = [point for curve in smile.curves for point in (*curve.points, *curve.nearest)]
    assert [(point.strike, point.iv) for point in points if point.computed] == [(contract["strike"], 0.4321)]


def test_the_score_is_explained_by_the_points_that_each_rule_costs(found: ReportDay, html: str) -> None:
    """Weights 5, 1 and 3: crossed costs 1/9 of 5 points, null_share 3/9 of 25; parity could not be checked."""
    costs = {part.rule: part.cost for part in found.quality.parts}
    assert costs["crossed"] == pytest.approx(5 / 9)
    assert costs["null_share"] == pytest.approx(25 / 3)
    assert (costs["missing_slots"], costs["parity"]) == (0.0, None)
    text = Page(html).text
    assert "91.1 quality score of 100" in text
    assert "null_share 24 6 3 75.00 8.33" in text
    assert "parity 0 0 1 could not be checked" in text
    assert "critical null_share option_snapshots SPY 09:45 iv: 31 % null" in text


def test_a_score_below_the_mean_of_the_rules_says_that_less_was_collected(of: Of, tmp_path: Path) -> None:
    """Of two rules of one weight, 100 and 40: the mean is 70; of the quotes 40 % are there."""
    lake = days.lake_of(Paths(ROOT, tmp_path))
    row = {"trade_date": DAY, "task": "validate_data_quality", "weight": 1.0}
    stored = [
        {**row, "rule": "crossed", "checked": 10, "failed": 0, "score": 100.0},
        {**row, "rule": "missing_slots", "checked": 10, "failed": 6, "score": 40.0},
        {**row, "rule": "total", "checked": 2, "failed": 1, "score": 40.0},
    ]
    lake.unite("quality_scores", rows_to_frame("quality_scores", stored))

    text = Page(render(of(Paths(ROOT, tmp_path)))).text

    assert "Score 40.0 of 100: the share of the expected quotes that was collected" in text
    assert "the mean of the rules' scores, by weight, is 70.0" in text
    assert "missing_slots 10 6 1 40.00 30.00" in text


def test_a_chain_of_thousands_of_contracts_still_makes_a_small_page(found: ReportDay) -> None:
    """25,800 contracts are 4,300 points of each of three symbols; 240 bytes for the mark of each made 3 MB."""
    [smile] = [one for one in found.smiles if one.symbol == "SPY"]
    points = tuple(Point(400.0 + strike, 0.2, computed=strike % 2 == 0) for strike in range(215))
    curves = tuple(Curve(DAY + timedelta(days=7 * week), 7 * week, points, points[:2]) for week in range(1, 21))
    large = replace(smile, curves=curves)

    page = render(replace(found, smiles=(large,)))

    assert len(page) < len(render(found)) + 150_000
    assert "2,160 of 4,300 points computed, too many to mark each" in Page(page).text
    assert "too many to mark each" not in render(found)


def began(paths: Paths, at: datetime) -> None:
    """The first run of this home."""
    with closing(connect(paths.journal)) as db:
        db.execute(
            "INSERT INTO runs (task, day, attempt, started_at) VALUES ('health_check', ?, 1, ?)",
            (f"{at.date()}", f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S.000Z}"),
        )


def test_runs_that_were_due_before_this_home_first_ran_anything_are_not_missing(of: Of, tmp_path: Path) -> None:
    paths = Paths(ROOT, tmp_path)
    days.quotes(days.lake_of(paths))
    began(paths, slot(15, 48))

    never = {group.task: group.slots for group in of(paths).missing.runs if group.outcome == "never started"}

    assert never["collect_option_snapshots"] == (slot(15, 50), slot(15, 55))
    assert "queue_option_contracts" not in never


def removed(paths: Paths) -> None:
    """What cleanup_old_data leaves of the day after 90 days."""
    lake = days.lake_of(paths)
    rows = lake.read("option_snapshots", trade_date=DAY)
    with closing(connect(paths.journal)) as db:
        closed = Closed("option_snapshots", DAY, len(rows), "0" * 64, slot(18, 30))
        closed_days.record(db, [closed])
        closed_days.mark_removed(db, "option_snapshots", [DAY])
        db.execute("UPDATE closed_days SET removed_at = '2027-02-28T21:00:00.000Z'")
    lake.replace("option_snapshots", rows.clear(), trade_date=DAY)


def test_a_cleaned_up_day_says_what_retention_removed_and_what_is_kept(of: Of, tmp_path: Path) -> None:
    paths = days.whole(tmp_path, ROOT)
    lake = days.lake_of(paths)
    contract = lake.read("option_snapshots", slot=slot(10, 0), symbols=["SPY"], right="P").row(0, named=True)
    names = ("trade_date", "slot", "con_id", "symbol", "expiry", "strike", "right", "trading_class")
    computed = {name: contract[name] for name in names} | {"task": "calculate_daily_statistics", "computed_iv": 0.4321}
    lake.unite("option_greeks", rows_to_frame("option_greeks", [computed]))  # kept longer by a setting
    removed(paths)

    found = of(paths)
    text = Page(render(found)).text

    gone = "Retention removed the day's rows on 2027-02-28 ( cleanup_old_data , settings retention.tables ): "
    assert f"{gone}option_snapshots 360. Kept: option_contracts 60, daily_statistics 3," in text
    assert "No option of this day has" not in text
    assert "option_snapshots" not in [one.table for one in found.missing.empty]
    assert "option_snapshots 0 removed 2027-02-28" in text
    assert found.statistics.symbols == SYMBOLS


def test_a_day_of_which_retention_left_nothing_has_a_page_that_says_so(of: Of, tmp_path: Path) -> None:
    paths = Paths(ROOT, tmp_path)
    days.quotes(days.lake_of(paths))
    removed(paths)

    assert "option_snapshots 360. Kept: nothing." in Page(render(of(paths))).text


@pytest.mark.parametrize(
    ("table", "section", "rest"),
    [
        ("daily_statistics", "statistics", "no_greeks 2"),
        ("option_snapshots", "volatility", "91.1 quality score of 100"),
        ("quality_findings", "quality", "no_greeks 2"),
        ("option_contracts", "", "91.1 quality score of 100"),
    ],
)
def test_a_table_that_cannot_be_read_leaves_the_rest_of_the_page(
    of: Of, tmp_path: Path, table: str, section: str, rest: str
) -> None:
    paths = days.whole(tmp_path, ROOT)
    for file in (paths.var / "lake" / table).rglob("*.parquet"):
        file.write_bytes(b"not parquet")

    found = of(paths)
    text = Page(render(found)).text

    assert [one.table for one in found.sources if one.unreadable] == [table]
    assert list(found.unreadable) == ([section] if section else [])
    assert "Cannot be read: " in text
    assert "Run scripts/audit_data_integrity.py , which says what is wrong, then v6 lake restore" in text
    assert rest in text
    assert table not in [one.table for one in found.missing.empty]


def test_a_damaged_log_of_a_table_is_told_in_one_line(of: Of, tmp_path: Path) -> None:
    paths = days.whole(tmp_path, ROOT)
    for file in (paths.var / "lake" / "daily_statistics" / "_delta_log").glob("*.json"):
        file.write_text("{broken")

    told = of(paths).unreadable["statistics"]

    assert "daily_statistics: " in told
    assert "\n" not in told


@pytest.mark.parametrize(("iv", "missing"), [(0.2, False), (None, True), (9.0, True)])
def test_computed_volatilities_are_missing_only_where_tws_did_not_send_usable_ones(
    of: Of, tmp_path: Path, iv: float | None, missing: bool
) -> None:
    paths = days.whole(tmp_path, ROOT)
    lake = days.lake_of(paths)
    rows = lake.read("option_snapshots", trade_date=DAY)
    first = pl.col("con_id") == rows["con_id"][0]
    sent = rows.with_columns(iv=pl.when(first).then(pl.lit(iv, dtype=pl.Float64)).otherwise(0.2))
    lake.replace("option_snapshots", sent, trade_date=DAY)

    assert ("option_greeks" in [one.table for one in of(paths).missing.empty]) is missing


def test_the_deviation_of_volatilities_is_in_percent_like_they_are(found: ReportDay) -> None:
    units = {statistic.name: statistic.unit for _, group in found.statistics.groups for statistic in group}

    assert units["iv_std"] == units["iv_mean"] == "volatility"


def test_what_stands_between_backticks_is_code_and_still_cannot_become_markup() -> None:
    assert code("see `v6 why` <b>`&`") == "see <code>v6 why</code> &lt;b&gt;<code>&amp;</code>"


def test_no_backtick_is_left_on_the_page(html: str) -> None:
    assert "`" not in Page(html).text


def test_findings_that_are_only_counted_are_counted_and_not_listed(of: Of, tmp_path: Path) -> None:
    """61 stored, and a row that stands for 40 more: 60 are shown, 41 are not, one of them has a row."""
    lake = days.lake_of(Paths(ROOT, tmp_path))
    row = {"trade_date": DAY, "task": "validate_data_quality", "table": "option_snapshots", "severity": "warning"}
    lake.unite("quality_scores", rows_to_frame("quality_scores", [score_of_one_rule()]))
    words = [*(f"crossed {place}" for place in range(61)), "and 40 more findings beyond what is tolerated"]
    stored = [
        {**row, "number": number, "rule": "crossed", "rows": 1, "message": message}
        for number, message in enumerate(words, start=1)
    ]
    lake.unite("quality_findings", rows_to_frame("quality_findings", stored))

    found = of(Paths(ROOT, tmp_path))
    text = Page(render(found)).text

    assert dict(found.quality.counts) == {"critical": 0, "warning": 101, "info": 0}
    assert "And 41 more, 1 of them in quality_findings." in text
    assert "101 warning findings" in text
    assert "and 40 more findings" not in text


def score_of_one_rule() -> dict[str, object]:
    row = {"trade_date": DAY, "task": "validate_data_quality", "weight": 1.0}
    return {**row, "rule": "crossed", "checked": 200, "failed": 101, "score": 49.5}


def test_what_is_not_there_is_said_with_the_question_that_tells_why(of: Of, tmp_path: Path) -> None:
    paths = Paths(ROOT, tmp_path)
    days.quotes(days.lake_of(paths))
    began(paths, slot(0, 0))

    found = of(paths)
    text = Page(render(found)).text

    assert found.statistics.symbols == ()
    assert found.quality.score is None
    assert 'why not: v6 why calculate_daily_statistics "2026-11-25 18:00"' in text
    assert 'v6 why validate_data_quality "2026-11-25 18:30"' in text
    assert "not judged" in text
    assert "latest slot with volatilities; no daily statistics of it" in text
    never = {group.task: group.slots for group in found.missing.runs if group.outcome == "never started"}
    assert len(never["collect_option_snapshots"]) == 78
    assert max(never["health_check"]) == slot(19, 15), "what is not due yet is not missing"


def test_a_slot_of_an_exported_ledger_is_shown_when_the_journal_has_let_it_go(of: Of, tmp_path: Path) -> None:
    paths = Paths(ROOT, tmp_path)
    row = {"trade_date": DAY, "slot": slot(9, 35), "task": days.OPTIONS, "expected": 60, "universe_version": 2}
    parts = [("complete", "", 55), ("partial", "no_greeks", 3), ("missing", "no_tick", 2)]
    export = [{**row, "status": status, "reason": why, "contracts": count} for status, why, count in parts]
    frame = rows_to_frame("slot_ledger", export).with_columns(pl.col("reason").fill_null(""))
    days.lake_of(paths).unite("slot_ledger", frame)

    found = of(paths)

    assert found.ledger_source == "lake: slot_ledger"
    [band] = found.grid.bands
    [cell] = band.cells
    assert isinstance(cell, Cell)
    assert (band.symbol, cell.expected, cell.complete, cell.partial, cell.missing) == ("all", 60, 55, 3, 2)
    assert dict(cell.reasons) == {"no_greeks": 3, "no_tick": 2}


def test_a_day_of_which_nothing_is_stored_has_no_page(of: Of, tmp_path: Path) -> None:
    with pytest.raises(NothingOfDay, match="2026-11-25: nothing is stored of it: regular session, 09:30 to 16:00"):
        of(Paths(ROOT, tmp_path))


def test_only_a_whole_slot_counts_as_all_of_it() -> None:
    def cell(complete: int, verdict: str = "partial") -> Cell:
        from v6.analysis.slot_states import Verdict

        return Cell(slot(10, 0), Verdict(verdict), 258, complete, 0, 258 - complete, {})

    shades = [shade(cell(complete)) for complete in (258, 257, 129, 1, 0)]
    assert shades == ["all", "most", "half", "few", "none"]
    assert shade(cell(0, "not yet")) == "open"
    assert percent(0.99999) == "99.9 %"
