#!/usr/bin/env python3
"""Say what is well, what has failed and what could not be checked."""

from v6.runner.main import main

if __name__ == "__main__":
    main("health_check")
