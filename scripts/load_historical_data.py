#!/usr/bin/env python3
"""Fill the gaps of the bars."""

from v6.runner.main import main

if __name__ == "__main__":
    main("load_historical_data")
