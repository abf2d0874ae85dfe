#!/usr/bin/env python3
"""Prove that the lake is what was written, and that a second reader agrees."""

from v6.runner.main import main

if __name__ == "__main__":
    main("audit_data_integrity")
