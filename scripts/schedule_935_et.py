#!/usr/bin/env python3
"""Re-centre the day's contracts on the opening prices."""

from v6.runner.main import main

if __name__ == "__main__":
    main("schedule_935_et")
