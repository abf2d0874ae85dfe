#!/usr/bin/env python3
"""Store closing quotes, marks and open interest, and complete the day's ledger."""

from v6.runner.main import main

if __name__ == "__main__":
    main("final_data_collection")
