"""The states of TWS's restart and what leads from one to the next: one table, for jobs and long-lived programs alike.

           WINDOW_NEAR              PREPARED               TWS_BACK               CONNECTED             VALIDATED
    NORMAL ───────────> PRE_RESTART ────────> RESTARTING ────────> RECONNECTING ─────────> VALIDATING ─────────> NORMAL

    NORMAL, PRE_RESTART, RECONNECTING, VALIDATING  ── TWS_GONE ────>  RESTARTING      it went without or before us
    NORMAL, PRE_RESTART                            ── TWS_BACK ────>  RECONNECTING    validated without preparation
    RESTARTING, RECONNECTING, VALIDATING, DEGRADED ── WINDOW_NEAR ─>  PRE_RESTART     the next one, the last not over
    RESTARTING, RECONNECTING, VALIDATING, DEGRADED ── PREPARED ────>  RESTARTING      TWS went before we were ready
    every state                                    ── FAILED ──────>  DEGRADED        what is meant to work does not
    every state but NORMAL, DEGRADED               ── OVERDUE ─────>  DEGRADED        nothing happened any more (L25)
    DEGRADED                                       ── TWS_BACK ────>  RECONNECTING    another try
    DEGRADED                                       ── CONNECTED ───>  VALIDATING      called overdue while it was
    DEGRADED                                       ── VALIDATED ───>  NORMAL          still at work, and it succeeded
    PRE_RESTART                                    ── WINDOW_NEAR ─>  PRE_RESTART     begun again after a kill
    RECONNECTING, VALIDATING                       ── TWS_BACK ────>  RECONNECTING    begun again after a kill
    RESTARTING                                     ── TWS_GONE ────>  RESTARTING      seen to be away at last
    DEGRADED                                       ── TWS_GONE ────>  DEGRADED        a person is called already

Only VALIDATED leads to NORMAL. A test holds this picture to the table.
"""

from enum import StrEnum

from v6.model import FatalError


class State(StrEnum):
    """As the journal stores it."""

    NORMAL = "normal"
    PRE_RESTART = "pre_restart"
    RESTARTING = "restarting"
    RECONNECTING = "reconnecting"
    VALIDATING = "validating"
    DEGRADED = "degraded"


class Event(StrEnum):
    """What happened. PREPARED: pre_restart has ended, completely or not. TWS_BACK: it is time to reconnect."""

    WINDOW_NEAR = "window_near"
    PREPARED = "prepared"
    TWS_GONE = "tws_gone"
    TWS_BACK = "tws_back"
    CONNECTED = "connected"
    VALIDATED = "validated"
    FAILED = "failed"
    OVERDUE = "overdue"


TRANSITIONS = {
    (State.NORMAL, Event.WINDOW_NEAR): State.PRE_RESTART,
    (State.NORMAL, Event.TWS_GONE): State.RESTARTING,
    (State.NORMAL, Event.TWS_BACK): State.RECONNECTING,
    (State.NORMAL, Event.FAILED): State.DEGRADED,
    (State.PRE_RESTART, Event.WINDOW_NEAR): State.PRE_RESTART,
    (State.PRE_RESTART, Event.PREPARED): State.RESTARTING,
    (State.PRE_RESTART, Event.TWS_GONE): State.RESTARTING,
    (State.PRE_RESTART, Event.TWS_BACK): State.RECONNECTING,
    (State.PRE_RESTART, Event.FAILED): State.DEGRADED,
    (State.PRE_RESTART, Event.OVERDUE): State.DEGRADED,
    (State.RESTARTING, Event.WINDOW_NEAR): State.PRE_RESTART,
    (State.RESTARTING, Event.PREPARED): State.RESTARTING,
    (State.RESTARTING, Event.TWS_GONE): State.RESTARTING,
    (State.RESTARTING, Event.TWS_BACK): State.RECONNECTING,
    (State.RESTARTING, Event.FAILED): State.DEGRADED,
    (State.RESTARTING, Event.OVERDUE): State.DEGRADED,
    (State.RECONNECTING, Event.WINDOW_NEAR): State.PRE_RESTART,
    (State.RECONNECTING, Event.PREPARED): State.RESTARTING,
    (State.RECONNECTING, Event.TWS_GONE): State.RESTARTING,
    (State.RECONNECTING, Event.TWS_BACK): State.RECONNECTING,
    (State.RECONNECTING, Event.CONNECTED): State.VALIDATING,
    (State.RECONNECTING, Event.FAILED): State.DEGRADED,
    (State.RECONNECTING, Event.OVERDUE): State.DEGRADED,
    (State.VALIDATING, Event.WINDOW_NEAR): State.PRE_RESTART,
    (State.VALIDATING, Event.PREPARED): State.RESTARTING,
    (State.VALIDATING, Event.TWS_GONE): State.RESTARTING,
    (State.VALIDATING, Event.TWS_BACK): State.RECONNECTING,
    (State.VALIDATING, Event.VALIDATED): State.NORMAL,
    (State.VALIDATING, Event.FAILED): State.DEGRADED,
    (State.VALIDATING, Event.OVERDUE): State.DEGRADED,
    (State.DEGRADED, Event.WINDOW_NEAR): State.PRE_RESTART,
    (State.DEGRADED, Event.PREPARED): State.RESTARTING,
    (State.DEGRADED, Event.TWS_GONE): State.DEGRADED,
    (State.DEGRADED, Event.TWS_BACK): State.RECONNECTING,
    (State.DEGRADED, Event.CONNECTED): State.VALIDATING,
    (State.DEGRADED, Event.VALIDATED): State.NORMAL,
    (State.DEGRADED, Event.FAILED): State.DEGRADED,
}


class WrongStep(FatalError):  # noqa: N818 - it reads as what happened
    """The table has no such step from where we are, or another process was faster."""


def following(state: State, event: Event) -> State:
    """The state after the event. Raises WrongStep naming what would be possible."""
    try:
        return TRANSITIONS[state, event]
    except KeyError:
        possible = ", ".join(event for origin, event in TRANSITIONS if origin is state)
        raise WrongStep(f"no step {event} from state {state}, possible: {possible}") from None
