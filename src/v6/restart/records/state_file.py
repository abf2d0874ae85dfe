"""The saved trading state: `trading_state.json`, and under `history/` a copy of each of the last ones.

    manager = TradingStateManager(paths.state, keep=14, max_age=timedelta(hours=1))
    manager.save(state)
    state = manager.load(clock.now())      # raises StateRefused: the file, what is wrong with it, and the previous one

Readers never wait: both places are replaced whole. Writers take turns (a lock on the folder, released by their death).
"""

import fcntl
import os
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from v6 import clock, failpoint
from v6.model import FatalError
from v6.restart.records import document
from v6.restart.records.document import Flaw, Flawed
from v6.restart.records.trading_state import TradingState
from v6.restart.records.typed_json import Mismatch, plain, typed

KIND = "trading_state"
SCHEMA = 1
SKEW = timedelta(minutes=2)  # two clocks of one host: a step of the clock between saving and reading


class StateRefused(FatalError):  # noqa: N818 - it names what happened
    """A saved state that must not be used. `path`, `flaw`, `reason`; `previous`: a good one that is kept, if any."""

    def __init__(self, flawed: Flawed, previous: "Kept | None") -> None:
        offer = "no other one is kept" if previous is None else f"the previous one is good: {previous}"
        super().__init__(f"trading state refused: {flawed}; {offer}")
        self.path = flawed.path
        self.flaw = flawed.flaw
        self.reason = flawed.detail
        self.previous = None if previous is None else previous.path
        self.previous_number = None if previous is None else previous.number


@dataclass(frozen=True, slots=True)
class Kept:
    """One kept state that is not the current one; `number` 1 is the latest. `state` is None when `flaw` says why."""

    number: int
    path: Path
    state: TradingState | None
    flaw: str = ""

    def __str__(self) -> str:
        saved = self.flaw if self.state is None else f"saved {self.state.saved_at:%Y-%m-%d %H:%M:%S %Z}"
        return f"{self.path} (number {self.number}, {saved})"


class TradingStateManager:
    """Saves, checks, keeps and offers trading states under `folder` (var/state)."""

    def __init__(self, folder: Path, keep: int, max_age: timedelta) -> None:
        self.path = folder / "trading_state.json"
        self.kept = folder / "history"
        self.keep = keep
        self.max_age = max_age

    def save(self, state: TradingState) -> Path:
        """Make it the current one and keep a copy. Raises OSError, and ValueError for a state that could not be read
        back: then what was there before is still there."""
        content = document.encode(KIND, SCHEMA, plain(state))
        try:
            _state(self.path, content)
        except Flawed as error:
            raise ValueError(f"this state could not be read back: {error.detail}") from error
        with self._writing():
            self._replace(content, state.saved_at)
        return self.path

    def read(self, path: Path | None = None) -> TradingState:
        """A whole, unchanged state of any age. Raises Flawed."""
        path = path or self.path
        return _state(path, document.content_of(path))

    def load(self, now: datetime, accounts: Collection[str] = ()) -> TradingState:
        """The current state, fit to be restored now and for these accounts (if TWS has told them). Raises StateRefused.

        Older than `max_age` (`TradingState.age`) it is refused, and so is one saved ahead of the clock."""
        try:
            state = self.read()
            self._fit(self.path, state, now, accounts)
            self._not_too_old(state, now)
        except Flawed as flawed:
            raise StateRefused(flawed, self._previous(now, accounts)) from flawed
        return state

    def earlier(self, restart_id: int, now: datetime) -> TradingState | None:
        """What an earlier attempt of this very restart saved, for `merged_with`; None: nothing that counts."""
        for path in (self.path, *self._paths()):
            try:
                state = self.read(path)
                self._fit(path, state, now, ())
                self._not_too_old(state, now)
            except Flawed:
                continue
            return state if state.restart_id == restart_id else None
        return None

    def history(self) -> list[Kept]:
        """The states kept beside the current one, latest first, spoilt ones too."""
        current = _bytes(self.path)
        others = [path for path in self._paths() if _bytes(path) not in (current, None)]
        return [self._look(number, path) for number, path in enumerate(others, 1)]

    def restore(self, path: Path) -> TradingState:
        """Make a kept state the current one, after checking it; the replaced one is kept, even when it is spoilt.

        Raises StateRefused, naming a good one."""
        now = clock.now()
        try:
            content = document.content_of(path)
            state = _state(path, content)
            self._fit(path, state, now, ())
        except Flawed as flawed:
            raise StateRefused(flawed, self._previous(now, ())) from flawed
        with self._writing():
            replaced = _bytes(self.path)
            if replaced is not None and replaced not in map(_bytes, self._paths()):
                document.write_whole(self.kept / _name(now, "replaced"), replaced)
            self._replace(content, state.saved_at)
        return state

    def _fit(self, path: Path, state: TradingState, now: datetime, accounts: Collection[str]) -> None:
        if state.saved_at.timestamp() > now.timestamp() + SKEW.total_seconds():
            told = f"it was saved {state.saved_at:%Y-%m-%d %H:%M:%S %Z}, the clock says {now:%Y-%m-%d %H:%M:%S %Z}"
            raise Flawed(path, Flaw.FUTURE, f"{told}, allowed: up to {SKEW.seconds} s ahead")
        if accounts and state.accounts and set(accounts).isdisjoint(state.accounts):
            told = f"it is of {', '.join(state.accounts)}"
            raise Flawed(path, Flaw.OTHER_ACCOUNTS, f"{told}, TWS is signed in to {', '.join(sorted(accounts))}")

    def _not_too_old(self, state: TradingState, now: datetime) -> None:
        age = state.age(now)
        if age > self.max_age:
            told = f"it was saved {state.saved_at:%Y-%m-%d %H:%M:%S %Z} and is {_words(age)} out of date"
            raise Flawed(self.path, Flaw.TOO_OLD, f"{told}, allowed: {_words(self.max_age)} outside its restart window")

    def _previous(self, now: datetime, accounts: Collection[str]) -> Kept | None:
        """The latest good one beside the current: of any age, which its words tell."""
        for kept in self.history():
            try:
                if kept.state is not None:
                    self._fit(kept.path, kept.state, now, accounts)
                    return kept
            except Flawed:
                continue
        return None

    def _look(self, number: int, path: Path) -> Kept:
        try:
            return Kept(number, path, self.read(path))
        except Flawed as flawed:
            return Kept(number, path, None, f"{flawed.flaw}: {flawed.detail}")

    def _paths(self) -> list[Path]:
        """Every kept file, latest first."""
        return sorted(self.kept.glob("*.json"), reverse=True)

    def _replace(self, content: bytes, saved_at: datetime) -> None:
        """The copy first: a kill in between leaves the old current one, and the new one already kept."""
        copy = self.kept / _name(saved_at)
        document.write_whole(copy, content)
        failpoint.reach("save:kept")
        document.write_whole(self.path, content)
        failpoint.reach("save:replaced")
        for old in self._paths()[self.keep :]:
            if old != copy:
                old.unlink(missing_ok=True)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        self.kept.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self.kept, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)


def _state(path: Path, content: bytes) -> TradingState:
    body = document.decode(path, content, KIND, SCHEMA)
    try:
        return typed(TradingState, body)
    except Mismatch as error:
        raise Flawed(path, Flaw.MALFORMED, str(error)) from error


def _bytes(path: Path) -> bytes | None:
    """None: there is nothing to be read, or no more."""
    try:
        return path.read_bytes()
    except OSError:
        return None


def _name(instant: datetime, what: str = "") -> str:
    """In the order of time by name."""
    stamp = instant.astimezone(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
    return f"{stamp}-{what}.json" if what else f"{stamp}.json"


def _words(span: timedelta) -> str:
    minutes = int(span.total_seconds() // 60)
    return f"{minutes // 60} h {minutes % 60:02} min" if minutes >= 60 else f"{minutes} min"
