"""The table of IBKR's own resets says what IBKR's page says, by the instants and not by its digits."""

from datetime import datetime

import pytest

from v6.clock import NEW_YORK
from v6.restart import server_resets
from v6.restart.server_resets import RESETS, Region
from v6.restart.windows import current


def names(region: Region, text: str) -> set[str]:
    at = datetime.fromisoformat(text).replace(tzinfo=NEW_YORK)
    found = [current([window], at) for window in server_resets.of_region(region)]
    return {one.name for one in found if one}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-22 00:15", {"server_reset", "server_reset_older"}),  # Sunday; the older one began on Saturday
        ("2026-11-22 01:44", {"server_reset"}),
        ("2026-11-22 01:45", set()),
        ("2026-11-20 01:00", {"server_reset"}),  # Friday
        ("2026-11-21 00:20", {"weekend_reset"}),  # Saturday: no daily one
        ("2026-11-20 23:00", {"weekend_reset"}),
        ("2026-11-20 23:50", {"weekend_reset"}),  # the older one leaves out Friday evening
        ("2026-11-21 02:59", {"weekend_reset"}),
        ("2026-11-21 03:00", set()),
        ("2026-11-23 23:45", {"server_reset_older"}),
        ("2026-07-06 00:15", {"server_reset", "server_reset_older"}),  # summer time
    ],
)
def test_an_american_account_sees(text: str, expected: set[str]) -> None:
    assert names("north_america", text) == expected


def test_other_regions_have_their_own_and_everybody_has_the_weekends() -> None:
    assert names("europe", "2026-11-23 00:30") == {"server_reset_europe"}  # 06:30 in Zurich
    assert names("asia_pacific", "2026-11-23 16:00") == {"server_reset_asia_first"}  # Tuesday 05:00 in Hong Kong
    assert names("asia_pacific", "2026-11-23 07:30") == {"server_reset_asia_second"}
    for region in ("north_america", "europe", "asia_pacific"):
        assert "weekend_reset" in names(region, "2026-11-20 23:30")


def test_an_american_account_sees_no_reset_in_the_session_because_of_hong_kongs() -> None:
    assert names("north_america", "2026-11-23 15:50") == set()


def test_no_reset_is_a_window_that_v6_acts_on_and_each_has_its_source() -> None:
    assert not any(reset.window.acts for reset in RESETS)
    assert all(reset.source and reset.words for reset in RESETS)
    assert len({reset.window.name for reset in RESETS}) == len(RESETS)


@pytest.mark.parametrize(
    ("text", "until"),
    [
        ("2026-11-20 22:59", None),
        ("2026-11-20 23:00", "2026-11-21 03:00"),  # Friday
        ("2026-11-21 00:10", "2026-11-21 03:00"),
        ("2026-11-21 03:00", None),
        ("2026-11-20 00:30", None),  # a daily reset lasts seconds: what does not work longer has failed
    ],
)
def test_only_in_the_weekends_reset_no_service_is_promised(text: str, until: str | None) -> None:
    def at(words: str) -> datetime:
        return datetime.fromisoformat(words).replace(tzinfo=NEW_YORK)

    for region in ("north_america", "europe"):
        assert server_resets.no_service_until(region, at(text)) == (at(until) if until else None)
