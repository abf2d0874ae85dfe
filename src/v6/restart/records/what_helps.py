"""What a person does about a restart that is DEGRADED, from its cause. Pure."""

GOES_ON = "V6 notices by itself within 15 minutes"
WHAT_HELPS = (
    ("client_id_in_use", "end what else connects as restart.client_id; a dead session TWS forgets within minutes"),
    ("mute", f"look at TWS's window: a dialog waits there, or TWS hangs and must be restarted; {GOES_ON}"),
    ("nobody listens", f"start TWS; {GOES_ON}"),
    ("refused", f"start TWS, or see whether its API has another port than ibkr.port; {GOES_ON}"),
)
"""(words of the cause, what to do); the first that fits."""
OTHERWISE = "look at TWS, and at docs/restart.md, 'When it says DEGRADED'"


def what_helps(cause: str) -> str:
    return next((words for sign, words in WHAT_HELPS if sign in cause), OTHERWISE)
