#!/usr/bin/env python3
"""Store a quote of every futures front month."""

from v6.runner.main import main

if __name__ == "__main__":
    main("collect_futures_snapshots")
