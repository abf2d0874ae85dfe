"""The steps on ib_insync, run as its blocking calls run them: `on_ib_insync.py HOST PORT CLIENT_ID`."""

import ib_insync
from ib_steps import Steps
from program import place, run

ib_insync.util.logToConsole("CRITICAL")
steps = Steps(ib_insync, *place())
run(steps.all, ib_insync.util.run)
steps.ib.disconnect()
