#!/usr/bin/env python3
"""Remove what is older than its retention, compact the tables, rotate the logs."""

from v6.runner.main import main

if __name__ == "__main__":
    main("cleanup_old_data")
