"""What each alert means and what to do about it. An alert is known by how its key begins; the table of
docs/operations.md is written from this one, and a test fails when something raises a key that it does not know."""

from typing import NamedTuple


class Advice(NamedTuple):
    """`name`: as a person calls it; `do`: added to the message, empty where there is nothing to do."""

    name: str
    meaning: str
    do: str


KINDS = {
    "failed:": Advice(
        "a task failed",
        "A run has failed for good: after its last attempt (exit 1), at once (exit 2), at its time limit (124) or by a "
        "signal (128+n). The first failure of a task that was well says so; one that goes on is told again after "
        "`alerts.repeat_hours` with its count, or at once when something else is wrong with it.",
        "the log below says why; `v6 why TASK SLOT` has the rest. Exit 1 was tried again, 2 needs you",
    ),
    "recovered:": Advice("works again", "The first success after failures that were told.", ""),
    "killed:": Advice(
        "a run was killed",
        "A run never wrote its end: kill -9, out of memory, or the host went down. Noticed by the task's next run.",
        "`dmesg -T | grep -i -e oom -e killed` and `last -x | head` say whether memory or the host ended it",
    ),
    "missed:": Advice(
        "slots were missed",
        "Slots were due and nothing happened: no run, no skip. The message groups them by cause.",
        "`v6 missed` lists them with their evidence; `v6 doctor` says whether cron fires now",
    ),
    "incomplete:": Advice(
        "slots incomplete in a row",
        "So many slots of a collector in a row (`alerts.incomplete_slots`) had fewer complete contracts than "
        "`health.min_complete_percent`.",
        "`v6 slots today` names the reasons; `v6 gateway diagnose` when it is the connection",
    ),
    "complete:": Advice("slots complete again", "The first complete slot after those that were told.", ""),
    "the gate cannot decide": Advice(
        "the gate cannot decide",
        "The gate could not tell whether a run is due, so nothing ran: a wrong switch, no interpreter, tzdata or a "
        "compiled file missing, a mistyped cron line.",
        "the message names it; `v6 doctor` looks at all of it",
    ),
    "supervisor:": Advice(
        "the supervisor failed",
        "A run could not even be supervised: the journal, a lock or a log cannot be used. The run did not happen.",
        "`df -h` for a full disk, `v6 doctor` for the journal and permissions",
    ),
    "refused edit:": Advice(
        "a configuration edit was refused",
        "The configuration has an error; gate and jobs go on with the last good one.",
        "mend what the message names; `v6 schedule check` says when it is right",
    ),
    "accepted edit": Advice(
        "the configuration is accepted again",
        "After a refused edit that was told: what the files say is in force.",
        "",
    ),
    "positions:": Advice(
        "positions or orders do not add up",
        "TWS holds what was never stored or traded, says something new of it, or agrees again.",
        "`docs/data.md`, Positions; do not trade on the account's figures before it is explained",
    ),
    "pre_restart ": Advice(
        "before TWS's restart",
        "What pre_restart did or could not do: orders cancelled or left, positions closed, runs ended.",
        "`v6 restart report`; docs/restart.md",
    ),
    "restart ": Advice(
        "after TWS's restart",
        "The report of a restart: restored, degraded, or waiting for a person; or one that is not over in time.",
        "`v6 restart status` says where it stands and what to do; docs/restart.md",
    ),
    "restart live ": Advice(
        "no live data of some subscriptions",
        "After the open some restored subscriptions have not ticked.",
        "`v6 state diff`; check the market data subscriptions of the account",
    ),
    "restart pattern ": Advice(
        "a restart unlike the others", "It took far longer, or behaved otherwise than usual.", "`v6 restart history`"
    ),
    "restart monitoring ended": Advice(
        "a program no longer watches TWS's restart",
        "Restart monitoring inside a long-lived program has ended with an error.",
        "restart that program",
    ),
    "waiting for a login": Advice(
        "TWS waits for a person to sign in",
        "IBKR's login token has died; TWS stays away until somebody signs in with the second factor.",
        "sign in to TWS; V6 goes on by itself",
    ),
    "pre_restart away ": Advice(
        "TWS has gone before its restart",
        "pre_restart found nobody to talk to, so nothing could be saved or cancelled.",
        "`v6 gateway diagnose`; look at open orders yourself",
    ),
    "weekly login ": Advice(
        "the weekly login is near",
        "IBKR's login token dies soon; after the next restart TWS needs a person.",
        "sign in again after it has died, with the second factor at hand",
    ),
    "likely window ": Advice(
        "TWS goes away outside of every window",
        "Outages repeat around a time that no restart window covers.",
        "if that is a restart, add the window that the message shows",
    ),
    "connections near the limit": Advice(
        "connections to TWS are nearly used up",
        "Something connects too often; beyond `ibkr.connections_per_hour` or `_per_day` a connection is refused.",
        "`v6 gateway clients` and `v6 runs` say who connects",
    ),
    "session_disconnected": Advice(
        "the market session cannot connect",
        "The session's connection is gone; collectors connect on their own meanwhile.",
        "`v6 gateway diagnose`: the cause and its cure",
    ),
    "session_connected": Advice("the market session is connected again", "The answer to the one above.", ""),
    "TWS is hung": Advice(
        "TWS is hung",
        "Its port is open and it has said nothing for `tws.hung_after_seconds`.",
        "restart TWS; docs/tws_process.md lets V6 do it",
    ),
    "TWS needs a person": Advice(
        "TWS needs a person",
        "V6 may not or cannot start it again: the budget of restarts is used up, or whose process it is is not known.",
        "look at TWS itself: a dialogue, a login, its log; docs/tws_process.md",
    ),
    "calendar changed": Advice(
        "the trading calendar has changed",
        "Sessions ahead are closed or shortened that were not, or the reverse.",
        "compare with the exchange's notice; `config/calendar_overrides.yaml` if the calendar is wrong",
    ),
    "the journal is unusable": Advice(
        "the journal is unusable",
        "Alerts leave directly, each at most once an hour, until it can be written again.",
        "`v6 doctor`; `df -h`; docs/operations.md, Back up and restore",
    ),
}
"""Beginning of the key -> advice; the longest beginning wins."""

REASONS = {
    "time_limit": "it was ended at its time limit: `v6 runs --task TASK` shows what it usually takes",
    "stopped": "somebody or a restart stopped it",
    "signal": "a signal ended it: out of memory? `dmesg -T | grep -i oom`",
    "unexpected_exit": "it ended without saying how: its traceback is in the log",
    "exit_2": "it ended without saying how: its traceback is in the log",
    "connections_used_up": "`v6 gateway clients` says who connects; it goes on when the budget allows",
    "journal": "`v6 doctor`; docs/operations.md, Back up and restore",
    "disk": "make room: `du -xh --max-depth=2 / | sort -h | tail`; `retention` says what cleanup_old_data removes",
    "cron": "`v6 doctor` looks at cron, its file and its zone",
    "crontab": "the installed file is not what the configuration asks for: `./install_scheduler.sh --dry-run`",
    "calendar horizon": "the calendar runs out: upgrade pandas_market_calendars, then `scripts/refresh_calendar.py`",
    "runs": "`v6 runs` names the killed ones",
    "slots": "`v6 slots today` names the reasons",
    "lake": "`v6 slots today`; `v6 lake` for the tables",
    "missed slots": "`v6 missed` lists them with their evidence",
    "restart": "`v6 restart status`",
    "TWS's process": "somebody has started or ended TWS: `v6 restart status`",
    "connections": "`v6 gateway clients` says who connects",
    "market session": "`v6 status`, then `v6 gateway diagnose`",
    "gateway": "`v6 gateway diagnose`: the cause and its cure",
}
"""What to do about a failed run that gives one of these reasons; those of health_check are its findings."""


def of(key: str) -> Advice | None:
    """The advice for an alert of that key."""
    found = [beginning for beginning in KINDS if key.startswith(beginning)]
    return KINDS[max(found, key=len)] if found else None


def what_to_do(key: str) -> str:
    """In one line; empty where there is nothing to do, or nothing known. The key of a failure ends with its reasons."""
    known = of(key)
    if known is None or not key.startswith("failed:"):
        return known.do if known else ""
    _, task, *rest = key.split(":", 2)
    reasons = [REASONS[reason] for reason in "".join(rest).split(",") if reason in REASONS]
    return "; ".join(dict.fromkeys(reasons)).replace("TASK", task) or known.do.replace("TASK", task)
