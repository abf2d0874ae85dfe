#!/usr/bin/env python3
"""Save the trading state and end cleanly before TWS restarts.

Usage: scripts/pre_restart.py
Exit codes: 0 saved; 1 not everything; 2 a person must look.
"""

from v6.runner.main import main

if __name__ == "__main__":
    main("pre_restart")
