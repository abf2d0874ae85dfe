#!/usr/bin/env python3
"""Prove that the lake is what was written, and that a second reader agrees.

Usage: scripts/audit_data_integrity.py
Needs: nothing; what it cannot look at it says. Looks at the whole lake: every table opens, has the declared schema and
is no older than an earlier day's audit found it, every file is there with the size and rows that the log says, no old
file that the log does not know, closed days hold what was sealed (SHA-256), slot ledger and rows agree, a sample of
statistics recomputed is as stored, and DuckDB, which shares no code with the writer, finds the same. Each is ok, failed
or could_not_check, with its evidence in the log. Findings, never repairs: what to do about each is in docs/data.md,
Upkeep. Writes to the journal only: an event with the result, without which cleanup_old_data removes nothing; one that
does not come to its end counts as failed. A repeat is safe: it looks again and records the new result.
Exit codes: 0 nothing failed (what could not be checked is named); 1 something failed, an error stopped a check, or
nothing could be checked.
"""

from v6.runner.main import main

if __name__ == "__main__":
    main("audit_data_integrity")
