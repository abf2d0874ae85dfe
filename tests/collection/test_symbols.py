"""Which futures month a session is asked of. CME rolls on the Thursday eight days before expiry."""

from datetime import date

import pytest

from v6.collection.symbols import at_home, month_of
from v6.model import Contract

MONTHS = tuple(
    Contract("FUT", "ES", "CME", number, expiry=date.fromisoformat(expiry))
    for number, expiry in enumerate(("2026-09-18", "2026-11-20", "2026-12-18", "2027-03-19"), 1)
)


@pytest.mark.parametrize(
    ("day", "expiry"),
    [
        ("2026-09-09", "2026-09-18"),
        ("2026-09-10", "2026-12-18"),  # the roll
        ("2026-11-16", "2026-12-18"),  # never the serial month of November
        ("2026-12-09", "2026-12-18"),
        ("2026-12-10", "2027-03-19"),
    ],
)
def test_a_session_belongs_to_the_quarterly_month_before_its_roll(day: str, expiry: str) -> None:
    found = month_of(MONTHS, date.fromisoformat(day))
    assert found is not None
    assert found.expiry == date.fromisoformat(expiry)


def test_after_the_last_listed_month_there_is_none() -> None:
    assert month_of(MONTHS, date(2027, 3, 11)) is None


HERE = Contract("STK", "OPEN", "SMART", 1, primary_exchange="NASDAQ")
ABROAD = Contract("STK", "OPEN", "SMART", 2, primary_exchange="LSEETF")
ALSO_HERE = Contract("STK", "OPEN", "SMART", 3, primary_exchange="PINK")


@pytest.mark.parametrize(
    ("listed", "meant"), [([HERE], HERE), ([ABROAD], ABROAD), ([ABROAD, HERE], HERE), ([HERE, HERE], HERE)]
)
def test_of_two_stocks_of_a_symbol_the_one_at_home_in_the_us_is_meant(listed: list[Contract], meant: Contract) -> None:
    assert at_home(listed) is meant


def test_two_that_could_be_meant_are_left_to_a_person() -> None:
    assert at_home([HERE, ALSO_HERE]) == "TWS lists 2 of this symbol: 1 at NASDAQ, 3 at PINK"
    other = Contract("STK", "OPEN", "SMART", 4, primary_exchange="")
    assert at_home([ABROAD, other]) == "TWS lists 2 of this symbol: 2 at LSEETF, 4 at SMART"
