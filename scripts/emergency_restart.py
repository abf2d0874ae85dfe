#!/usr/bin/env python3
"""emergency_restart.

Usage: scripts/emergency_restart.py
"""

from v6.runner.main import main

if __name__ == "__main__":
    main("emergency_restart")
