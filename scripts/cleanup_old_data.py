#!/usr/bin/env python3
"""Remove what is older than its retention, compact the tables, rotate the logs.

Usage: scripts/cleanup_old_data.py [--dry-run]
Needs: an audit of the last 14 days that found nothing (audit_data_integrity); without one only logs are rotated.
Removes whole trade dates of the tables that `retention.tables` names, and only days that were closed: never today,
never statistics, ledgers, bars, positions or the universe. Old is what the clock says and the days that left a trace
since bear out: a clock that is a year ahead removes nothing, and the message says so. Then compacts every table (one
file a partition; dead files leave the disk after seven days), lets rows of the journal go that are older than
`journal_days` and that the lake has, and removes or renames old and large logs. What went is in the log, line by line;
--dry-run lists what would go.
Writes: the lake, the journal, the logs' folder. A repeat is safe, after a kill at any moment too: it finds less to do.
Exit codes: 0 done, or nothing to do; 1 the lake is busy or away (retried next week); 2 refused: the audit failed or is
missing (the message has the command), or the lake lacks what the journal was to let go.
"""

from v6.runner.main import main

if __name__ == "__main__":
    main("cleanup_old_data")
