#!/usr/bin/env python3
"""Freeze the day's option contracts from the real chain."""

from v6.runner.main import main

if __name__ == "__main__":
    main("queue_option_contracts")
