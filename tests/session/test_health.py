"""What a look at the session's connection amounts to: what counts as a failure, what is said, what is not known."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from v6.gateway.watching import Streamed
from v6.model import Contract
from v6.session.health import Judged, Seen, judge

LIMIT = 90.0
SPY, QQQ = (Contract("STK", symbol, "SMART") for symbol in ("SPY", "QQQ"))
FRESH = (Streamed(SPY, 0.4), Streamed(QQQ, 200.0))
STUCK = (Streamed(SPY, 120.0), Streamed(QQQ, 200.0))
NOTHING = (Streamed(SPY, None), Streamed(QQQ, None))
WELL = Seen(0.003, market_open=True, farms={"usfarm": 2104}, streams=FRESH, counts_for=3600.0)
QUOTES, ANSWER = "quotes", "ping"


def judged(seen: Seen) -> Mapping[str, Judged]:
    return {finding.check: finding.judged for finding in judge(seen, LIMIT).findings}


def test_an_answer_and_one_fresh_quote_prove_the_connection() -> None:
    health = judge(WELL, LIMIT)
    assert health.proven
    assert health.words == "answered in 3 ms; SPY 0.4 s ago"


def test_no_answer_is_a_failure_and_comes_first_in_the_words() -> None:
    health = judge(replace(WELL, answered_in=None, no_answer="no answer to a ping within 5 s"), LIMIT)
    assert health.failed
    assert not health.proven
    assert health.words.startswith("no answer to a ping within 5 s; ")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"streams": STUCK}, Judged.FAILED),
        ({"streams": NOTHING}, Judged.FAILED),
        ({"streams": (Streamed(SPY, 120.0), Streamed(QQQ, None, "354: not subscribed"))}, Judged.FAILED),
        ({"streams": (Streamed(SPY, 120.0, halted=True), Streamed(QQQ, 120.0))}, Judged.FAILED),
        ({"streams": FRESH}, Judged.GOOD),
        ({"streams": STUCK, "market_open": False}, Judged.GOOD),
        ({"streams": STUCK, "counts_for": 90.0}, Judged.UNKNOWN),
        ({"streams": NOTHING, "counts_for": 10.0}, Judged.UNKNOWN),
        ({"streams": STUCK, "away": "TWS has lost IBKR for 3.0 s (1100)"}, Judged.AWAY),
        ({"streams": STUCK, "farms": {"usfarm": 2103}}, Judged.AWAY),
        ({"streams": STUCK, "farms": {"usfarm": 2119}}, Judged.AWAY),
        ({"streams": STUCK, "farms": {"usfarm": 2104, "ushmds": 2105, "secdefil": 2157}}, Judged.FAILED),
        ({"streams": STUCK, "farms": {"usfarm": 2108}}, Judged.FAILED),
        ({"streams": (Streamed(SPY, 120.0, halted=True), Streamed(QQQ, 120.0, halted=True))}, Judged.AWAY),
        ({"streams": (Streamed(SPY, None, "10197: competing"), Streamed(QQQ, 100.0, halted=True))}, Judged.AWAY),
    ],
)  # fmt: skip
def test_old_quotes_fail_only_where_the_connection_can_be_the_cause(
    change: dict[str, object], expected: Judged
) -> None:
    seen = replace(WELL, **change)  # type: ignore[arg-type]
    assert judged(seen)[QUOTES] is expected
    assert judge(seen, LIMIT).failed is (expected is Judged.FAILED)


def test_farms_and_ibkr_that_are_away_are_named_and_are_no_failure() -> None:
    health = judge(replace(WELL, away="TWS has lost IBKR", farms={"usopt": 2103, "usfarm": 2104}), LIMIT)
    assert not health.failed
    assert health.words.startswith("TWS has lost IBKR; data farms down: usopt")
    assert health.away == "TWS has lost IBKR; data farms down: usopt"


def test_a_quote_that_has_not_come_yet_leaves_the_connection_unproven() -> None:
    """Else one that never gets a quote would be begun anew at the shortest pause for ever (L29)."""
    health = judge(replace(WELL, streams=NOTHING, counts_for=1.0), LIMIT)
    assert not health.failed
    assert not health.proven
    assert "nothing of SPY, QQQ yet" in health.words
