#!/usr/bin/env python3
"""Fetch the bars and volatilities since the last stored ones."""

from v6.runner.main import main

if __name__ == "__main__":
    main("load_enhanced_market_data")
