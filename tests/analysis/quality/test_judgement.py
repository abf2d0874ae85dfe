"""All rules together: findings in order and bounded, scores that never call fine what nobody looked at."""

import re
from datetime import date
from pathlib import Path
from typing import get_args

import polars as pl
import pytest
from hand_made import given, limits, of_options, option, slot

import option_rows
from v6.analysis.quality.judgement import counted, judge
from v6.analysis.quality.rules import RULES
from v6.analysis.slot_states import SlotState, Verdict
from v6.config.errors import ConfigError
from v6.config.load import load
from v6.config.settings import Quality, QualityRule
from v6.paths import Paths

DOCS = Path(__file__).resolve().parents[3] / "docs" / "data.md"


def test_a_generated_day_of_a_sound_market_has_nothing_severe() -> None:
    day = date(2026, 11, 20)
    rows = option_rows.generated(day, slots=77, live=True)

    said = judge(given({"option_snapshots": rows}))

    assert said.findings.select("rule", "severity").unique().rows() == [("one_sided", "info")]  # it leaves out 2 %
    assert said.total is not None
    assert 99.8 < said.total < 100


def test_a_rule_that_could_not_look_has_checked_nothing_and_has_no_score() -> None:
    said = judge(given())

    assert said.scores.filter(pl.col("rule") != "total").select("checked", "score").unique().rows() == [(0, None)]
    assert said.total is None
    assert sorted(said.unable) == sorted(RULES)


def test_findings_come_critical_first_and_are_numbered() -> None:
    rows = [option(slot=slot(-1), bid=10.2, ask=10.1), option(slot=slot(-1), bid=10.2, ask=10.1)]

    said = judge(of_options(*rows))

    assert said.findings["number"].to_list() == list(range(1, said.findings.height + 1))
    assert said.findings["severity"][0] == "critical"
    ranks = [("critical", "warning", "info").index(word) for word in said.findings["severity"]]
    assert ranks == sorted(ranks)
    assert "duplicates" in said.failed
    assert "crossed" not in said.failed


def test_only_so_many_findings_of_a_rule_are_stored_and_one_counts_the_rest() -> None:
    market = of_options(*(option(600 + n, iv=9.0) for n in range(30)), limits=limits(max_findings_per_rule=10))

    stored = judge(market).findings.filter(pl.col("rule") == "iv_range")

    assert stored.height == 11
    assert stored.row(-1, named=True) | {"number": 0} == {
        "number": 0,
        "rule": "iv_range",
        "severity": "warning",
        "table": "option_snapshots",
        "slot": None,
        "symbol": None,
        "con_id": None,
        "column": None,
        "value": 20.0,
        "limit": None,
        "rows": 20,
        "message": "and 20 more findings beyond what is tolerated",
    }


def test_of_findings_that_are_not_stored_the_tolerated_ones_are_counted_by_themselves() -> None:
    """25 findings, 15 of them severe; ten are kept."""
    kept = [(85, 15)] * 15 + [(95, 5)] * 10
    states = [
        SlotState("collect_option_snapshots", slot(n), Verdict.PARTIAL, 100, *(complete, 0, missing), {})
        for n, (complete, missing) in enumerate(kept)
    ]

    stored = judge(given(states=states, limits=limits(max_findings_per_rule=10, critical=()))).findings

    own = stored.filter(pl.col("rule") == "missing_contracts")
    assert own.group_by("severity").agg(pl.len()).sort("severity").rows() == [("info", 1), ("warning", 11)]
    assert [(row["severity"], counted(row["message"])) for row in own.tail(2).iter_rows(named=True)] == [
        ("warning", 5),
        ("info", 10),
    ]


def test_a_score_is_the_share_of_what_is_right_and_the_total_their_mean_by_weight() -> None:
    """Rows: 4, of them 1 out of the volatility's range and 2 outside the session."""
    rows = [option(690, iv=9.0), option(691), option(692, slot=slot(-1)), option(693, slot=slot(-1))]
    weights = dict.fromkeys(RULES, 0.0) | {"iv_range": 1.0, "outside_session": 3.0}

    said = judge(of_options(*rows, limits=limits(weights=weights)))

    scores = dict(said.scores.select("rule", "score").rows())
    assert (scores["iv_range"], scores["outside_session"]) == (75.0, 50.0)
    assert said.total == pytest.approx((75.0 + 3 * 50.0) / 4)


def test_what_is_critical_is_said_by_the_settings() -> None:
    market = of_options(option(iv=9.0), limits=limits(critical=("iv_range",)))

    assert judge(market).failed == ["iv_range"]
    assert judge(market).findings["severity"][0] == "critical"


def test_the_order_of_the_rows_changes_nothing() -> None:
    rows = option_rows.generated(date(2026, 11, 20), slots=12, contracts=60, live=True)
    spoilt = rows.with_columns(pl.when(pl.col("strike") % 7 == 0).then(9.0).otherwise("iv").alias("iv"))

    one, other = (
        judge(given({"option_snapshots": frame}))
        for frame in (spoilt, spoilt.sample(fraction=1.0, shuffle=True, seed=3))
    )

    assert one.findings.equals(other.findings)
    assert one.scores.equals(other.scores)


def test_the_settings_know_every_rule_and_no_other() -> None:
    assert get_args(QualityRule) == tuple(RULES)


def test_a_misspelt_rule_is_refused_with_file_key_and_what_is_allowed(home: Path) -> None:
    file = home / "config" / "production.yaml"
    file.parent.mkdir()
    file.write_text("quality: {critical: [missing_slot], weights: {foo: 1.0}}")
    file.chmod(0o600)

    with pytest.raises(ConfigError) as refused:
        load(Paths.locate({"V6_HOME": str(home)}), {})

    first, second = refused.value.problems
    assert re.match(
        r".*production.yaml: quality.critical.0: 'missing_slot' is wrong, allowed: 'missing_slots', ", first
    )
    assert re.match(r".*production.yaml: quality.weights.foo: 'foo' is wrong, allowed: 'missing_slots', ", second)


def documented(columns: int) -> dict[str, list[str]]:
    """Rule -> the other cells of its row, in the tables of section Quality that have so many columns."""
    page = DOCS.read_text(encoding="utf-8")
    section = page[page.index("\n## Quality\n") : page.index("\n### What the rules find in real files")]
    rows = [line.strip("| ").split(" | ") for line in section.splitlines() if line.startswith("| `")]
    return {row[0].strip("`"): row[1:] for row in rows if len(row) == columns}


def test_the_documents_table_is_the_table_of_rules() -> None:
    assert documented(4) == {name: [rule.tables, rule.checks, rule.severity] for name, rule in RULES.items()}


def test_every_rule_says_when_it_finds_what_its_value_and_its_limit_are_and_what_to_do() -> None:
    written = documented(5)

    assert list(written) == list(RULES)
    assert {name: row[1:3] for name, row in written.items()} == {
        name: [rule.value, rule.limit] for name, rule in RULES.items()
    }
    assert [name for name, row in written.items() if not row[0].strip() or not row[3].strip()] == []


def test_limits_that_rules_name_are_settings() -> None:
    named = {word for rule in RULES.values() for word in re.findall(r"`(\w+)`", rule.limit)}

    assert len(named) > 5
    assert named <= set(Quality.model_fields)


def lost(count: int, of: int = 10) -> list[SlotState]:
    """Slots, some of them never collected; the others have 90 of 100 contracts."""
    return [
        SlotState("collect_option_snapshots", slot(n), Verdict.MISSING, 100, 0, 0, 100, {"host_down": 100})
        if n < count
        else SlotState("collect_option_snapshots", slot(n), Verdict.PARTIAL, 100, 90, 0, 10, {"no_tick": 10})
        for n in range(of)
    ]


def test_what_was_not_collected_cannot_be_good_whatever_the_rest_is() -> None:
    """8 of 10 slots are lost and a tenth of the contracts of the others: at most 100 x 0.2 x 0.9."""
    rows = option_rows.generated(date(2026, 11, 20), slots=2, contracts=60, live=True)

    said = judge(given({"option_snapshots": rows}, states=lost(8)))

    assert said.total == pytest.approx(18.0)


def test_a_day_of_which_nothing_was_collected_has_a_score_of_0() -> None:
    """Though the bars of the session before and every stored table's shape are as they should be."""
    said = judge(given(states=lost(10), drift={"bars": "", "option_snapshots": ""}))

    assert (said.total, said.failed) == (0.0, ["missing_slots"])
    assert len(said.unable) == len(RULES) - 2
