"""Emergency restart, in its order. A step that fails is said, and the next ones go on where they make sense.

    look  supervisors  groups  holders  rows  leases  [tws]  diagnosis  validation  resume  end

Supervisors come first, so that none tries its job again; then the process groups that the journal recorded, for what a
dead supervisor has left; then single processes that hold a lease. A second call is safe.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from v6.gateway.connection import Log
from v6.gateway.verdicts import Diagnosis, Verdict
from v6.journal.runs import Run
from v6.restart.emergency.at_work import AtWork, Kind, Looked, Places, look
from v6.restart.emergency.audit import ENDED, Trail
from v6.restart.emergency.ending import Ended, end
from v6.restart.emergency.failures import FAILURES, NotDone

STEPS = (
    "look",
    "supervisors",
    "groups",
    "holders",
    "rows",
    "leases",
    "tws",
    "diagnosis",
    "validation",
    "resume",
    ENDED,
)
"""As the audit trail names them; failpoints `emergency_restart:<step>` and, but for the last, `...:done`."""
SUPERVISOR_SECONDS = 15.0  # it gives its job 10 s, then KILL
JOB_SECONDS = 10.0  # in which a job closes its connections
LOCKED = "the journal could not be written; `fuser var/v6.db` shows who has it open"


@dataclass(frozen=True, slots=True)
class Surroundings:
    """One home and its TWS. `open_attempts`: of the journal. `window`: which restart of TWS is under way, "" for none.
    `close_rows`: completes the open attempts of a task that nobody works on; `let_go`: what is freed when all is ended
    (given the tasks that are still at work). `tws`: ends and starts TWS. `diagnose`: given whether TWS was started
    just now. `validate`, `resume`: what they have done, in words. Each raises one of FAILURES when it cannot."""

    places: Places
    tasks: Collection[str]
    spared: Collection[str]
    trail: Trail
    log: Log
    open_attempts: Callable[[], Sequence[Run]]
    close_rows: Callable[[str], str]
    let_go: Callable[[Collection[str]], str]
    window: Callable[[], str]
    tws: Callable[[], str]
    diagnose: Callable[[bool], Diagnosis]
    validate: Callable[[], str]
    resume: Callable[[], str]


class Emergency:
    """One call. `trouble`: what is not well at its end, a sentence each."""

    def __init__(self, around: Surroundings) -> None:
        self._around = around
        self._trail = around.trail
        self.trouble: list[str] = []
        self._said: list[str] = []

    def look(self) -> Looked:
        """What would be ended. Reads only."""
        rows: Sequence[Run] = ()
        unseen = []
        try:
            rows = self._around.open_attempts()
        except FAILURES as error:
            unseen.append(f"which attempts the journal has as open: {error}")
        found = look(self._around.places, self._around.tasks, rows, self._around.spared)
        return Looked(found.found, found.left, found.spared, found.rows, (*unseen, *found.unseen))

    def run(self, *, restart_tws: bool, asked: str) -> str:
        """How it ended, in one line; each step has said its own. `asked`: the command's own words, for the trail."""
        if broken_off := self._safely(self._trail.broken_off):
            self._around.log.warning(f"an earlier call has not come to its end: {broken_off}")
        looked = self._look(asked)
        self._end_all(looked)
        self._step("rows", "completing what the dead have left open in the journal", self._close_rows)
        self._step("leases", "looking whether anything is still held", self._let_go)
        if window := self._safely(self._around.window):
            self._inside(window, restart_tws)
        else:
            self._tws_and_after(restart_tws)
        short = f"{len(self.trouble)} not well" if self.trouble else "all is well as far as it was judged"
        self._trail.after(ENDED, short, well=not self.trouble, summary=self._summary())
        if gaps := self._trail.gaps:
            self._not_well("audit", f"{gaps} events are not in the audit trail, the log alone has them: {LOCKED}")
        return self._summary()

    def _summary(self) -> str:
        return "; ".join((*self._said, *(f"NOT WELL: {words}" for words in self.trouble)))

    def _look(self, asked: str) -> Looked:
        self._trail.before("look", f"asked for: {asked}")
        looked = self.look()
        for words in looked.unseen:
            self._not_well("look", f"could not be looked at: {words}")
        for words in looked.left:
            self._around.log.warning(words)
        for one in looked.spared:
            self._around.log.info(f"spared, its task is essential: {one}")
        details = {"found": [_facts(one) for one in looked.found], "left": looked.left, "unseen": looked.unseen}
        found = "; ".join(map(str, looked.found)) or "nothing of ours is at work"
        self._trail.after("look", found, well=not looked.unseen, **details)
        return looked

    def _end_all(self, looked: Looked) -> None:
        ended = self._end("supervisors", looked.of(Kind.SUPERVISOR), SUPERVISOR_SECONDS)
        again = self.look()  # a supervisor may have begun another attempt before it was told
        told = {one.pid for one in looked.of(Kind.SUPERVISOR)}
        begun_since = {one.task for one in again.of(Kind.SUPERVISOR) if one.pid not in told}
        for step, kind in (("groups", Kind.GROUP), ("holders", Kind.HOLDER)):
            left = [one for one in again.of(kind) if one.task not in begun_since]
            ended += self._end(step, left, JOB_SECONDS)
        done = [one for one in ended if not one.stays]
        self._said.append(f"{len(done)} ended" if done else "nothing had to be ended")

    def _end(self, step: str, targets: Sequence[AtWork], grace: float) -> list[Ended]:
        if not targets:
            return []
        facts = [_facts(one) for one in targets]
        self._trail.before(step, f"ending {'; '.join(map(str, targets))}", processes=facts)
        ended = end(targets, grace)
        stays = [one for one in ended if one.stays]
        self.trouble += [f"{one}; end it by hand" for one in stays]
        self._trail.after(step, "; ".join(map(str, ended)), well=not stays, outcomes=[str(one) for one in ended])
        return ended

    def _close_rows(self) -> str:
        now = self.look()
        busy = {one.task for one in (*now.spared, *now.found)}
        done, held = [], []
        for task in sorted({row.task for row in now.rows} - busy):
            try:
                done.append(self._around.close_rows(task))
            except NotDone as error:
                held.append(str(error))
        if held:
            raise NotDone("; ".join((*held, *done)))
        return "; ".join(done) or "no attempt was left open"

    def _let_go(self) -> str:
        now = self.look()
        return self._around.let_go({one.task for one in (*now.spared, *now.found)})

    def _inside(self, window: str, restart_tws: bool) -> None:
        words = f"TWS restarts by itself just now: {window}; it cannot be judged, post_restart validates it afterwards"
        if restart_tws:
            self._trail.before("tws", "restarting TWS")
            self._not_well("tws", f"TWS was not restarted: {window} is under way; call again when it is over")
            self._trail.after("tws", f"not done: {window} is under way", well=False)
        self._said.append(words)
        self._around.log.info(words)

    def _tws_and_after(self, restart_tws: bool) -> None:
        begun = restart_tws and self._step("tws", "restarting TWS", self._around.tws, tell=True)
        if self._diagnosis(begun):
            self._step("validation", "proving that TWS works", self._around.validate)
            self._step("resume", "going on", self._around.resume, tell=True)

    def _diagnosis(self, begun: bool) -> bool:
        """Whether TWS is well."""

        def deed() -> str:
            found = self._around.diagnose(begun)
            if found.verdict is not Verdict.HEALTHY:
                raise NotDone(found.words)
            return found.words

        return self._step("diagnosis", "asking what is between us and TWS", deed, tell=True)

    def _step(self, step: str, text: str, deed: Callable[[], str], *, tell: bool = False) -> bool:
        """Whether it was done. `tell`: its words are among those of the end too."""
        self._trail.before(step, text)
        try:
            said = deed()
        except FAILURES as error:
            self._not_well(step, str(error))
            self._trail.after(step, f"failed: {error}", well=False)
            return False
        if tell:
            self._said.append(said)
        self._trail.after(step, said)
        return True

    def _not_well(self, step: str, words: str) -> None:
        self.trouble.append(f"{step}: {words}")

    def _safely(self, ask: Callable[[], str]) -> str:
        try:
            return ask()
        except FAILURES as error:
            self._around.log.warning(f"could not be looked at: {error}")
            return ""


def plan(looked: Looked) -> list[str]:
    """What a call would end, and what it would not; a line each."""
    lines = [f"would end {one}: {one.command}" for one in looked.found]
    lines += [f"would spare {one}: its task is in restart.essential_tasks, --all ends it too" for one in looked.spared]
    lines += [f"would leave alone: {words}" for words in looked.left]
    lines += [f"COULD NOT BE LOOKED AT: {words}" for words in looked.unseen]
    working = {one.run_id for one in looked.found}
    lines += [f"would complete run {row.id} of {row.task}: killed" for row in looked.rows if row.id not in working]
    return lines


def _facts(one: AtWork) -> dict[str, object]:
    return {
        "kind": one.kind,
        "task": one.task,
        "pid": one.pid,
        "since": one.since.isoformat() if one.since else None,
        "command": one.command,
        "client_ids": one.client_ids,
        "run": one.run_id,
    }
