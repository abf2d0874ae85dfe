"""Every expected contract is complete, or it has a reason."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from v6.analysis.slot_account import Standing, account, mark_stale, not_yet_complete, refuse_late
from v6.model import Contract, DataType, MissReason, Quote, QuoteStatus

SLOT = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)
COMPLETE, PARTIAL, MISSING = QuoteStatus.COMPLETE, QuoteStatus.PARTIAL, QuoteStatus.MISSING
THERE = Standing(COMPLETE)
NO_GREEKS = Standing(QuoteStatus.PARTIAL, MissReason.NO_GREEKS)
NO_TICK = Standing(MISSING, MissReason.NO_TICK, "9 s")
TWS_DOWN = Standing(MISSING, MissReason.TWS_DOWN, "refused")


def quote(con_id: int, status: QuoteStatus, reason: MissReason | None = None, at: datetime = SLOT) -> Quote:
    return Quote(Contract("OPT", "SPY", "SMART", con_id), status, at, reason)


def test_l10_every_miss_has_a_reason() -> None:
    expected = dict.fromkeys("1234", "SPY")

    result = account(expected, {"1": THERE, "2": NO_GREEKS}, {"3": NO_TICK}, TWS_DOWN)

    assert (result.complete, result.partial, result.missing) == (1, 1, 2)
    assert [(s.reason, s.detail) for s in result.shortfalls[1:]] == [("no_tick", "9 s"), ("tws_down", "refused")]
    assert result.words() == "1 of 4 complete, 1 partial (no_greeks 1), 2 missing (no_tick 1, tws_down 1)"


def test_what_the_lake_holds_counts_even_when_this_attempt_missed_it() -> None:
    assert account({"1": "SPY"}, {"1": THERE}, {"1": NO_TICK}, TWS_DOWN).complete == 1


def test_a_second_attempt_collects_only_what_is_not_complete() -> None:
    assert not_yet_complete("123", {"1": THERE, "2": NO_GREEKS}) == {"2", "3"}


def test_l15_a_late_quote_is_a_miss() -> None:
    limit = SLOT + timedelta(minutes=5)
    on_time, too_late = quote(1, COMPLETE, at=limit), quote(2, COMPLETE, at=limit + timedelta(seconds=1))
    never_came = quote(3, MISSING, MissReason.NO_TICK, at=limit + timedelta(hours=1))

    kept, missed, unchanged = refuse_late([on_time, too_late, never_came], limit)

    assert (kept, unchanged) == (on_time, never_came)
    assert (missed.status, missed.reason, missed.bid) == (MISSING, MissReason.DEADLINE, None)
    assert missed.detail == "arrived 1.0 s after the slot's limit"


keys = st.integers(1, 30).map(str)


@given(
    st.dictionaries(keys, st.sampled_from([THERE, NO_GREEKS])), st.dictionaries(keys, st.just(NO_TICK)), st.sets(keys)
)
def test_the_books_always_balance(
    stored: dict[str, Standing], attempted: dict[str, Standing], expected: set[str]
) -> None:
    result = account(dict.fromkeys(expected, "SPY"), stored, attempted, TWS_DOWN)

    assert result.complete + result.partial + result.missing == result.expected == len(expected)
    assert len(not_yet_complete(expected, stored)) == len(result.shortfalls)


def test_a_frozen_quote_is_not_the_slots_market() -> None:
    live, frozen, never_came = (
        replace(quote(1, COMPLETE), data_type=DataType.LIVE),
        replace(quote(2, COMPLETE), data_type=DataType.FROZEN, bid=1.25),
        replace(quote(3, MISSING, MissReason.NO_TICK), data_type=DataType.FROZEN),
    )

    kept, stale, unchanged = mark_stale([live, frozen, never_came])

    assert (kept, unchanged) == (live, never_came)
    assert (stale.status, stale.reason, stale.bid) == (PARTIAL, MissReason.STALE, 1.25)
