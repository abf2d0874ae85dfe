#!/usr/bin/env python3
"""Compute the statistics of the slots collected so far."""

from v6.runner.main import main

if __name__ == "__main__":
    main("calculate_intraday_statistics")
