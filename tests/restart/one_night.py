"""The night that tests of states and of monitoring play: one window, from Monday 23:45 to 00:05."""

from collections.abc import Callable
from datetime import datetime

from v6.clock import NEW_YORK
from v6.restart.windows import Occurrence
from v6.scheduler.compiled import Window

SetClock = Callable[[str], None]
DAILY = Window(name="daily_restart", zone="America/New_York", days="1234567", start=1425, end=5, acts=True)


def ny(text: str, fold: int = 0) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=NEW_YORK, fold=fold)


TONIGHT = Occurrence("daily_restart", ny("2026-11-23 23:45"), ny("2026-11-24 00:05"), acts=True)
