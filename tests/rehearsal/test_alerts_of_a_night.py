"""How often a night's restart speaks to the operator: once when its window is near, once when it has ended (A7)."""

from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import Rehearsed
from .test_restart_nights import QUICK, RESTART_TASKS

pytestmark = pytest.mark.integration

Rehearse = Callable[..., Rehearsed]
Site = Callable[..., Path]

AN_HOUR_LATER = "01:20"
"""health_check has failed more than an hour by then: what it tells it would tell again."""
ENDS = {
    "daily_restart": ("restart restored", "00:20"),
    "mute_after_restart": ("restart restored", "00:20"),
    "login_never_answered": ("restart degraded", "00:35"),
    "restart_never_ends": ("restart degraded", AN_HOUR_LATER),
}
"""scenario -> the one message at the end, and how long it is listened for another one."""


@pytest.mark.parametrize(
    "scenario",
    [pytest.param(scenario, marks=[] if scenario == "restart_never_ends" else [pytest.mark.soak]) for scenario in ENDS],
)
def test_a_night_has_one_message_before_its_restart_and_one_after_it(
    rehearse: Rehearse, site: Site, scenario: str
) -> None:
    end, until = ENDS[scenario]
    config = site(*RESTART_TASKS, "health_check", **QUICK)

    rehearsed = rehearse(
        "2026-11-23", "--from", "23:35", "--to", until, "--no-prologue", "--scenario", scenario, "--config", config
    )

    titles = [title.partition(":")[0] for title, _ in rehearsed.said["alerts"]]
    assert titles == ["restart window daily_restart begins at 23", end], rehearsed.trouble
