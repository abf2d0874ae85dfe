"""What a person, the kernel or chance does in a rehearsal at a minute: whatever a scenario of the simulator cannot."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from v6.model import FatalError
from v6.rehearsal.long_lived import LongLived
from v6.rehearsal.simulated_tws import SimulatedTws
from v6.rehearsal.stage import Stage

Moment = Literal["before", "during", "after"]


@dataclass(frozen=True, slots=True)
class Scene:
    """What is there while a rehearsal is played. `connections`: those TWS accepted until a minute's runs had ended,
    since the minute before; minutes without any are left out."""

    stage: Stage
    tws: SimulatedTws
    long_lived: LongLived
    connections: dict[datetime, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Deed:
    """`moment`: seconds before the minute comes, while its runs are at work, or after they have ended. The minute is
    one at which cron starts something."""

    minute: datetime
    moment: Moment
    act: Callable[[Scene], None]


def require_occasions(deeds: Sequence[Deed], minutes: Collection[datetime]) -> None:
    """Raises FatalError for a deed that would never be done."""
    if idle := [f"{deed.minute:%Y-%m-%d %H:%M}" for deed in deeds if deed.minute not in minutes]:
        raise FatalError(f"deeds at {', '.join(idle)}: cron starts nothing then, or it is outside of the windows")


def do(deeds: Sequence[Deed], minute: datetime, moment: Moment, scene: Scene) -> None:
    for deed in deeds:
        if deed.minute == minute and deed.moment == moment:
            deed.act(scene)
