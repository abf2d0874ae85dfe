#!/usr/bin/env python3
"""Prove that TWS works again, restore, and report what has changed.

Usage: scripts/post_restart.py
Exit codes: 0 restored; 1 not everything; 2 a person must look.
"""

from v6.runner.main import main

if __name__ == "__main__":
    main("post_restart")
