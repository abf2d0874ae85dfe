"""`v6 gateway clients`: who of ours uses which client id, and the market data lines."""

from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from v6 import clock
from v6.cli import output, restart_sources
from v6.paths import Paths

if TYPE_CHECKING:
    from v6.gateway.occupancy import Leased

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for a program.")]


def clients(as_json: AsJson = False) -> None:
    """V6's client ids in use, by whom and since when; those in quarantine; market data lines in use. TWS is not asked.

    Ids of programs that are not V6's are unknown here: `v6 gateway watch` shows their sockets.
    """
    from v6.gateway import occupancy

    leases, settings = Paths.locate().leases, restart_sources.settings().ibkr
    leased, resting = occupancy.client_ids(leases)
    pools = [occupancy.pool(leases, name, size) for name, size in settings.market_data_lines]
    now = clock.now()
    if as_json:
        output.as_json(
            {
                "clients": [_facts(one, now) for one in leased],
                "quarantined": [asdict(one) for one in resting],
                "lines": [asdict(one) for one in pools],
                "ids": {"first": settings.first_client_id, "last": settings.last_client_id},
            }
        )
        return
    if leased:
        output.table(None, ("id", "task", "pid", "since", "for"), [_row(one, now) for one in leased], right="id pid")
    else:
        output.say("no client id is in use")
    for one in resting:
        output.say(f"client id {one.client_id}: TWS called it in use (326), left alone for {one.seconds:.0f} s more")
    output.say("market data lines in use: " + ", ".join(f"{one.name} {one.used} of {one.size}" for one in pools))


def _facts(one: "Leased", now: datetime) -> dict[str, Any]:
    return asdict(one) | {"age_seconds": _age(one, now)}


def _row(one: "Leased", now: datetime) -> tuple[object, ...]:
    from v6.restart.windows import in_words

    age = _age(one, now)
    since = f"{one.since:%m-%d %H:%M:%S %Z}" if one.since else "beginning"
    return one.client_id, one.task, one.pid, since, None if age is None else in_words(age)


def _age(one: "Leased", now: datetime) -> float | None:
    """Never negative: the clock may have been set back since."""
    return None if one.since is None else max(0.0, round(now.timestamp() - one.since.timestamp(), 1))
