#!/usr/bin/env python3
"""Find what is wrong with the day's data, score it, and close the day."""

from v6.runner.main import main

if __name__ == "__main__":
    main("validate_data_quality")
