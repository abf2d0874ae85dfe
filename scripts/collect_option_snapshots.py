#!/usr/bin/env python3
"""Store one quote for every contract of today's universe."""

from v6.runner.main import main

if __name__ == "__main__":
    main("collect_option_snapshots")
