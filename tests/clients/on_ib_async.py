"""The steps on ib_async, in one asyncio program: `on_ib_async.py HOST PORT CLIENT_ID`."""

import asyncio

import ib_async
from ib_steps import Steps
from program import place, run

with asyncio.Runner() as runner:
    steps = Steps(ib_async, *place())
    run(steps.all, runner.run)
    steps.ib.disconnect()
