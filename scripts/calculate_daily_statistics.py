#!/usr/bin/env python3
"""Compute the day's statistics."""

from v6.runner.main import main

if __name__ == "__main__":
    main("calculate_daily_statistics")
