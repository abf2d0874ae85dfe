#!/usr/bin/env python3
"""Prove before the open that TWS answers and has live data."""

from v6.runner.main import main

if __name__ == "__main__":
    main("validate_ib_connection")
