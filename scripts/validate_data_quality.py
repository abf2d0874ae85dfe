#!/usr/bin/env python3
"""Find what is wrong with the day's data, score it, and close the day.

Usage: scripts/validate_data_quality.py [--date 2026-11-20] [--dry-run]
Needs: nothing but the lake, the journal and the compiled schedule; default is the slot's day. A day without a session
is skipped (no_input); refused are a session that is not over (--dry-run says what is known so far), a day of which V6
knows nothing (it was installed later), and one whose quotes cleanup_old_data has removed. What every rule looks at, its
formula and limits: docs/data.md, section Quality.
Writes: quality_findings and quality_scores of the day, also when rules fail; then the day is closed (exports of the
journal, compaction, checksums). A repeat is safe: it judges the day anew and, where nothing changed, writes nothing.
Exit codes: 0 no critical rule failed (rules that could not look are named); 1 a critical rule failed (settings
quality.critical: told at once, not retried), or the lake was busy (retried); 2 no such date, the session is not over,
V6 knows nothing of it, its quotes were removed, or nothing could be looked at.
"""

from v6.runner.main import main

if __name__ == "__main__":
    main("validate_data_quality")
