#!/usr/bin/env python3
"""Compile the calendar anew and say what has changed."""

from v6.runner.main import main

if __name__ == "__main__":
    main("refresh_calendar")
