#!/usr/bin/env python3
"""test_connection.

Usage: scripts/test_connection.py
"""

from v6.runner.main import main

if __name__ == "__main__":
    main("test_connection")
