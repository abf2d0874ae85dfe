"""The steps on ib_insync, on its own loop: `on_ib_insync.py HOST PORT CLIENT_ID`.

Its util.run would end a step with ConnectionError when the connection ends, as it ends a blocking call.
"""

import ib_insync
from ib_steps import Steps
from program import place, run

steps = Steps(ib_insync, *place())
run(steps.all, ib_insync.util.getLoop().run_until_complete)
steps.ib.disconnect()
