"""What one restart was, from the first warning to the last proof: pre_restart begins it, post_restart completes it, the
live proof at the open amends it. Stored by `report_files`, worded by `report_text`.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from v6 import clock
from v6.analysis.findings import Finding
from v6.journal.restarts import OrderStep
from v6.restart.records.difference import Difference
from v6.restart.records.order_outcomes import CANCELLED, DONE, FILLED, UNKNOWN, is_of
from v6.restart.records.trading_state import TradingState
from v6.restart.recovery.proofs import Proof

if TYPE_CHECKING:
    from v6.restart.windows import Occurrence


class Verdict(StrEnum):
    """`prepared`: pre_restart is over, TWS may go. `restored`: everything is proven. `degraded`: not everything is.
    `waiting`: for a person who signs in."""

    PREPARED = "prepared"
    RESTORED = "restored"
    DEGRADED = "degraded"
    WAITING = "waiting"


class Outcome(StrEnum):
    """How a step ended. What could not be looked at is neither done nor failed."""

    DONE = "done"
    FAILED = "failed"
    SKIPPED = "skipped"
    COULD_NOT_CHECK = "could not check"


@dataclass(frozen=True, slots=True)
class Step:
    """`phase`: the job that took it. `seconds` real ones."""

    phase: str
    name: str
    seconds: float
    outcome: Outcome
    detail: str = ""


@dataclass(frozen=True, slots=True)
class OrderDone:
    """What we did to one order: `deed` (cancel, or close: an order of ours) and `outcome` as in the journal (sent,
    cancelled, filled, refused, unconfirmed ...)."""

    perm_id: int
    client_id: int
    order_id: int
    words: str
    outcome: str
    detail: str = ""
    deed: str = "cancel"

    def __str__(self) -> str:
        more = self.detail if self.detail.lower() != self.outcome else ""
        return f"{self.words}: {self.outcome}{f', {more}' if more else ''}"


@dataclass(frozen=True, slots=True)
class LiveProof:
    """The proof by ticks that follows at the open. `at` None: still owed. `lacking`: "contract: why"."""

    owed: int
    at: datetime | None = None
    proven: int = 0
    lacking: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RestartReport:
    """`cause`: why the verdict is what it is. `away_seconds`: from the first sign that TWS was gone to its port being
    open again. `recovery_seconds`: from the connection to validated and restored. `warnings`: what a person was told
    or must know beside the difference, such as a protective stop that was cancelled or a state that was refused."""

    window: str
    window_start: datetime
    window_end: datetime
    restart_id: int | None
    written_at: datetime
    verdict: Verdict
    cause: str = ""
    exit_code: int = 0
    expected: bool = False  # not everything works, and IBKR promises no service just now
    state_file: str = ""
    steps: tuple[Step, ...] = ()
    orders: tuple[OrderDone, ...] = ()
    warnings: tuple[str, ...] = ()
    before: TradingState | None = None
    after: TradingState | None = None
    difference: Difference | None = None
    findings: tuple[Finding, ...] = ()
    proofs: tuple[Proof, ...] = ()
    observed: str = "unknown"
    away_seconds: float | None = None
    first_tick_seconds: float | None = None
    recovery_seconds: float | None = None
    live: LiveProof | None = None

    @classmethod
    def begin(cls, occurrence: "Occurrence", restart_id: int | None, verdict: Verdict) -> "RestartReport":
        return cls(occurrence.name, occurrence.start, occurrence.end, restart_id, clock.now(), verdict)

    def with_steps(self, steps: Iterable[Step]) -> "RestartReport":
        """After those there are: a rerun does not hide what the run before it did."""
        return replace(self, steps=(*self.steps, *steps), written_at=clock.now())

    def with_orders(self, steps: Iterable[OrderStep]) -> "RestartReport":
        """From the journal, which knows of killed runs too."""
        done = (
            OrderDone(one.perm_id, one.client_id, one.order_id, one.words, one.outcome, one.detail, one.deed)
            for one in steps
        )
        return replace(self, orders=tuple(done))

    def warned(self, *warnings: str) -> "RestartReport":
        """Each warning once."""
        return replace(self, warnings=tuple(dict.fromkeys((*self.warnings, *warnings))))

    @property
    def cancels(self) -> tuple[OrderDone, ...]:
        return tuple(order for order in self.orders if order.deed == "cancel")

    @property
    def cancelled(self) -> int:
        return sum(order.outcome == CANCELLED for order in self.cancels)

    @property
    def still_open(self) -> tuple[OrderDone, ...]:
        """Counted as ended, and yet TWS lists it as open afterwards."""
        listed = self.after.orders if self.after is not None else ()
        return tuple(
            done for done in self.cancels if done.outcome in DONE and any(is_of(order, done) for order in listed)
        )

    @property
    def unclosed(self) -> tuple[OrderDone, ...]:
        """Closings of positions that no attempt has seen filled; one that a killed run sent and TWS does not know was
        followed by a look at the positions."""
        closings = [order for order in self.orders if order.deed == "close"]
        filled = {order.words for order in closings if order.outcome == FILLED}
        return tuple(
            order for order in closings if order.outcome not in (FILLED, UNKNOWN) and order.words not in filled
        )

    @property
    def needs_a_person(self) -> bool:
        """TWS works again, and yet somebody must look (exit code 2)."""
        return self.verdict is Verdict.RESTORED and self.exit_code == 2

    def seconds_of(self, phase: str) -> float:
        """Of the steps one after the other; those that ran together count each."""
        return sum(step.seconds for step in self.steps if step.phase == phase)


class StepBook:
    """Writes down the steps of one job as they are taken."""

    def __init__(self, phase: str) -> None:
        self.phase = phase
        self.steps: list[Step] = []

    def add(self, name: str, outcome: Outcome, seconds: float = 0.0, detail: str = "") -> None:
        self.steps.append(Step(self.phase, name, round(seconds, 3), outcome, detail))

    @contextmanager
    def step(self, name: str) -> Iterator[Callable[[str], None]]:
        """Times the block; it is given a function that takes the step's detail. An exception is its failure, and goes
        on its way."""
        started, said = clock.monotonic(), [""]
        try:
            yield lambda detail: said.__setitem__(0, detail)
        except BaseException as error:
            self.add(name, Outcome.FAILED, clock.monotonic() - started, str(error) or type(error).__name__)
            raise
        self.add(name, Outcome.DONE, clock.monotonic() - started, said[0])
