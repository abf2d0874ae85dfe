#!/usr/bin/env python3
"""Explain positions and orders of TWS by what was stored and traded."""

from v6.runner.main import main

if __name__ == "__main__":
    main("validate_positions")
