"""Missing, early, slow: a restart against the ones before it. Expected figures worked out by hand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from v6.analysis.restart_patterns import ENOUGH, Judgement, Sample, judge, score

AWAY = (2.0, 4.0, 5.0, 6.0, 6.0, 7.0, 8.0, 10.0)  # median 6, MAD 1.5
LAG = (300.0, 310.0, 320.0, 330.0, 340.0, 350.0, 360.0, 370.0)  # median 335, MAD 20, 1.4826 MAD = 29.652


def usual(count: int = 8) -> list[Sample]:
    return [Sample("restarted", away, lag) for away, lag in zip(AWAY, LAG, strict=True)][:count]


def kinds(judgement: Judgement) -> list[str]:
    return [anomaly.kind for anomaly in judgement.anomalies]


def test_a_restart_like_the_others_is_none() -> None:
    assert judge(Sample("restarted", 6.0, 340.0), usual()) == Judgement((), ())


def test_one_that_did_not_come_is_missing() -> None:
    found = judge(Sample("no_restart"), usual())
    assert [str(anomaly.words) for anomaly in found.anomalies] == ["TWS did not restart, as it did in 8 of the last 8"]


def test_a_window_in_which_tws_never_restarts_misses_none() -> None:
    assert kinds(judge(Sample("no_restart"), [Sample("no_restart")] * 30)) == []


def test_half_and_half_is_no_habit() -> None:
    assert kinds(judge(Sample("no_restart"), [Sample("no_restart"), Sample("restarted")] * 5)) == []


def test_what_could_not_be_seen_is_no_sign_either_way_l30() -> None:
    assert kinds(judge(Sample("unknown"), usual())) == []
    blind = [Sample("unknown")] * 20
    found = judge(Sample("no_restart"), blind + usual(7))
    assert (found.anomalies, found.undecided) == ((), ("missing: seen in 7 of the earlier ones, 8 needed",))


@pytest.mark.parametrize(("lag", "slow"), [(438.0, False), (439.0, True)])
def test_slow_begins_three_and_a_half_deviations_above_the_median(lag: float, slow: bool) -> None:
    """335 + 3.5 x 29.652 = 438.8."""
    assert kinds(judge(Sample("restarted", None, lag), usual())) == (["slow"] if slow else [])


@pytest.mark.parametrize(("away", "early"), [(-63.0, False), (-65.0, True)])
def test_early_begins_at_the_floor_for_a_clockwork(away: float, early: bool) -> None:
    """1.4826 x 1.5 = 2.2 s is below the floor: 6 - 3.5 x 20 = -64."""
    assert kinds(judge(Sample("restarted", away, None), usual())) == (["early"] if early else [])


def test_what_is_faster_or_later_than_usual_is_no_anomaly() -> None:
    assert kinds(judge(Sample("restarted", 600.0, 10.0), usual())) == []


def test_a_slow_one_says_its_figures() -> None:
    [anomaly] = judge(Sample("restarted", None, 1200.0), usual()).anomalies
    assert anomaly.words == "validated 1200 s after the window's end, the median of 8 is 335"


def test_few_restarts_give_no_verdict() -> None:
    found = judge(Sample("no_restart", -9999.0, 99999.0), usual(ENOUGH - 1))
    assert found.anomalies == ()
    assert [words.partition(":")[0] for words in found.undecided] == ["missing", "early", "slow"]


def test_only_the_last_thirty_count() -> None:
    old = [Sample("restarted", None, 99999.0)] * 100
    assert kinds(judge(Sample("restarted", None, 1200.0), usual() * 3 + usual(6) + old)) == ["slow"]


def test_one_outlier_among_the_earlier_ones_does_not_hide_the_next() -> None:
    assert kinds(judge(Sample("restarted", None, 1200.0), [*usual(), Sample("restarted", None, 50000.0)])) == ["slow"]


@given(st.lists(st.floats(-1e5, 1e5), min_size=1, max_size=30), st.floats(-1e5, 1e5), st.floats(-1e4, 1e4))
def test_the_score_does_not_depend_on_where_zero_is(values: list[float], value: float, shift: float) -> None:
    moved = score(value + shift, [one + shift for one in values])
    assert moved == pytest.approx(score(value, values), abs=1e-3, rel=1e-6)
