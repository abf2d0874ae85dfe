"""How often a night's restart speaks to the operator: once when its window is near, once when it has ended (A7)."""

from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import Rehearsed
from .test_restart_nights import QUICK, RESTART_TASKS

pytestmark = pytest.mark.integration

Rehearse = Callable[..., Rehearsed]
Site = Callable[..., Path]

BEGINS = "restart window daily_restart begins at 23:45"
NIGHT = "daily_restart 2026-11-23 23:45 EST"
ENDS = {
    "daily_restart": "restart restored",
    "mute_after_restart": "restart restored",
    "login_never_answered": "restart degraded",
    "restart_never_ends": "restart degraded",
}
"""scenario -> the one message at the end."""


@pytest.mark.parametrize("scenario", ENDS)
def test_a_night_has_one_warning_before_and_one_message_after(rehearse: Rehearse, site: Site, scenario: str) -> None:
    config = site(*RESTART_TASKS, "health_check", **QUICK)

    rehearsed = rehearse(
        "2026-11-23", "--from", "23:30", "--to", "02:05", "--no-prologue", "--scenario", scenario, "--config", config
    )

    titles = [title for title, _ in rehearsed.said["alerts"]]
    assert [title.partition(":")[0] for title in titles[1:]] == [ENDS[scenario]], rehearsed.trouble
    assert titles[0] == BEGINS
