"""The journal's schema, version by version."""

# One entry per schema version; entries are never edited once released, a change is a new entry.
MIGRATIONS = (
    """
    CREATE TABLE runs (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        task TEXT NOT NULL,
        slot TEXT,                  -- null: started by hand
        day TEXT NOT NULL,          -- New York date of the slot, else of the start
        attempt INTEGER NOT NULL,   -- 1 for the first; 0 for a run that was skipped before it started
        pid INTEGER,
        started_at TEXT NOT NULL,
        ended_at TEXT,              -- null: running, or killed
        exit_code INTEGER,
        outcome TEXT CHECK (outcome IN ('success','skip','recoverable','fatal','time_limit','killed','signal')),
        wall_seconds REAL,
        cpu_seconds REAL,           -- user + system of the job and what it waited for
        peak_memory_mb REAL,        -- largest resident set of one process of the attempt
        summary TEXT NOT NULL DEFAULT '',
        log_file TEXT NOT NULL DEFAULT '',
        reason TEXT NOT NULL DEFAULT '',
        note TEXT NOT NULL DEFAULT ''
    );
    CREATE INDEX runs_by_task ON runs (task, started_at);
    CREATE INDEX runs_by_day ON runs (day, task);
    CREATE INDEX runs_unfinished ON runs (task) WHERE outcome IS NULL;
    CREATE TABLE slot_ledger (
        task TEXT NOT NULL,
        slot TEXT NOT NULL,
        expected INTEGER NOT NULL,
        complete INTEGER NOT NULL DEFAULT 0,
        partial INTEGER NOT NULL DEFAULT 0,
        missing INTEGER NOT NULL DEFAULT 0,
        universe_version INTEGER,
        state TEXT NOT NULL CHECK (state IN ('open','closed')),
        note TEXT NOT NULL DEFAULT '',
        updated_at TEXT NOT NULL,
        PRIMARY KEY (task, slot)
    ) WITHOUT ROWID;
    CREATE INDEX slot_ledger_by_slot ON slot_ledger (slot);
    CREATE TABLE slot_misses (
        task TEXT NOT NULL,
        slot TEXT NOT NULL,
        contract TEXT NOT NULL,
        symbol TEXT NOT NULL,
        status TEXT NOT NULL CHECK (status IN ('partial','missing')),
        reason TEXT NOT NULL CHECK (reason <> ''),
        detail TEXT NOT NULL DEFAULT '',
        PRIMARY KEY (task, slot, contract)
    ) WITHOUT ROWID;
    CREATE TABLE slot_drops (
        task TEXT NOT NULL,
        slot TEXT NOT NULL,         -- the first slot that no longer expects the contract
        contract TEXT NOT NULL,
        symbol TEXT NOT NULL,
        reason TEXT NOT NULL CHECK (reason <> ''),
        PRIMARY KEY (task, slot, contract)
    ) WITHOUT ROWID;
    CREATE TABLE events (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        at TEXT NOT NULL,
        kind TEXT NOT NULL,
        task TEXT,
        text TEXT NOT NULL,
        details TEXT NOT NULL DEFAULT '{}'
    );
    CREATE INDEX events_by_time ON events (at);
    CREATE TABLE alerts (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        at TEXT NOT NULL,
        severity TEXT NOT NULL CHECK (severity IN ('info','warning','failure')),
        title TEXT NOT NULL,
        body TEXT NOT NULL,
        task TEXT,
        key TEXT NOT NULL,
        delivered_at TEXT,
        tries INTEGER NOT NULL DEFAULT 0,
        error TEXT NOT NULL DEFAULT ''
    );
    CREATE INDEX alerts_by_key ON alerts (key, at);
    CREATE INDEX alerts_undelivered ON alerts (id) WHERE delivered_at IS NULL;
    """,
    """
    CREATE TABLE restart_state (    -- one row: where in TWS's restart we are
        one INTEGER PRIMARY KEY CHECK (one = 1),
        state TEXT NOT NULL CHECK (state IN
            ('normal','pre_restart','restarting','reconnecting','validating','degraded')),
        since TEXT NOT NULL,
        window TEXT NOT NULL DEFAULT '',
        window_start TEXT,
        window_end TEXT,
        cause TEXT NOT NULL
    );
    CREATE TABLE restarts (         -- one row a window that V6 acted on
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        window TEXT NOT NULL,
        window_start TEXT NOT NULL,
        window_end TEXT NOT NULL,
        prepared_at TEXT,           -- pre_restart had ended
        state_file TEXT NOT NULL DEFAULT '',
        listener_before TEXT NOT NULL DEFAULT '',   -- who listened on the API port when pre_restart left
        listener_after TEXT NOT NULL DEFAULT '',    -- and when it was validated
        away_at TEXT,               -- the first sign that TWS was away, null: none was seen
        started_at TEXT,            -- when the TWS that answers now was started, null: not visible
        connected_at TEXT,
        first_tick_seconds REAL,    -- from connected to the first tick of a restored subscription
        validated_at TEXT,
        outcome TEXT CHECK (outcome IN ('restored','degraded','waiting')),
        orders_cancelled INTEGER NOT NULL DEFAULT 0,
        restored INTEGER,           -- 1: all of the saved state; 0: not all; null: nothing was saved
        observed TEXT NOT NULL DEFAULT 'unknown' CHECK (observed IN ('unknown','restarted','no_restart')),
        report TEXT NOT NULL DEFAULT ''
    );
    CREATE INDEX restarts_by_window ON restarts (window_start, window);
    CREATE TABLE restart_orders (   -- what pre_restart did to orders; written before it is done
        restart INTEGER NOT NULL REFERENCES restarts (id),
        perm_id INTEGER NOT NULL,
        client_id INTEGER NOT NULL,
        order_id INTEGER NOT NULL,
        words TEXT NOT NULL,        -- the order as a person reads it
        sent_at TEXT NOT NULL,
        outcome TEXT NOT NULL DEFAULT 'sent',   -- then cancelled, filled, refused, unconfirmed, not_sent ...
        detail TEXT NOT NULL DEFAULT '',
        deed TEXT NOT NULL DEFAULT 'cancel' CHECK (deed IN ('cancel','close')),  -- close: our order, ends a position
        PRIMARY KEY (restart, perm_id, client_id, order_id)  -- TWS numbers an order (permId) only when it sends it on
    ) WITHOUT ROWID;
    CREATE TABLE order_ids (        -- the highest order id ever seen of each client id, and where the next may begin
        client_id INTEGER PRIMARY KEY,
        high_water INTEGER NOT NULL,
        updated_at TEXT NOT NULL
    );
    CREATE TABLE registered (       -- subscriptions and scanners of long-lived programs
        owner TEXT NOT NULL,
        kind TEXT NOT NULL CHECK (kind IN ('subscription','scanner')),
        name TEXT NOT NULL,
        body TEXT NOT NULL,         -- JSON
        at TEXT NOT NULL,
        PRIMARY KEY (owner, kind, name)
    ) WITHOUT ROWID;
    CREATE TABLE outages (          -- signs that TWS or IBKR was away, whoever saw them
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        at TEXT NOT NULL,
        kind TEXT NOT NULL,         -- refused, mute, server_lost, listener_changed ...
        task TEXT,
        evidence TEXT NOT NULL
    );
    CREATE INDEX outages_by_time ON outages (at);
    """,
    """
    CREATE TABLE connections (      -- what each task knows of its connection to TWS, the latest only
        task TEXT PRIMARY KEY,
        status TEXT NOT NULL CHECK (status IN
            ('connected','connected_closed','waiting','reconnecting','restart_window','disconnected')),
        detail TEXT NOT NULL DEFAULT '',    -- the verdict of `disconnected`, what is waited for ...
        attempts INTEGER NOT NULL DEFAULT 0,
        client_id INTEGER,
        pid INTEGER NOT NULL,
        since TEXT NOT NULL,        -- when the status began
        at TEXT NOT NULL,           -- when it was last proven
        away TEXT NOT NULL DEFAULT '',      -- what is away behind a TWS that answers: IBKR, data farms
        away_since TEXT,            -- null: nothing is away
        place TEXT NOT NULL DEFAULT ''      -- host:port of its TWS, '': the configured one
    ) WITHOUT ROWID;
    CREATE TABLE session_cycles (   -- slots that the market session collected, or tried to
        task TEXT NOT NULL,         -- the collector
        slot TEXT NOT NULL,
        pid INTEGER NOT NULL,
        started_at TEXT NOT NULL,
        ended_at TEXT,
        outcome TEXT CHECK (outcome IN ('success','failed')),
        summary TEXT NOT NULL DEFAULT '',
        PRIMARY KEY (task, slot)
    ) WITHOUT ROWID;
    """,
    """
    CREATE TABLE closed_days (      -- what a table held of a trade date when the day was closed
        lake_table TEXT NOT NULL,
        trade_date TEXT NOT NULL,
        rows INTEGER NOT NULL,
        sha256 TEXT NOT NULL,       -- of the rows in the order of their key (store/checksums.py)
        closed_at TEXT NOT NULL,
        removed_at TEXT,            -- null: still there; else when cleanup_old_data let its rows go
        PRIMARY KEY (lake_table, trade_date)
    ) WITHOUT ROWID;
    CREATE TABLE runs_removed (     -- counts of rows of `runs` that cleanup_old_data let go: metrics never fall
        task TEXT NOT NULL,
        outcome TEXT NOT NULL,
        runs INTEGER NOT NULL,
        PRIMARY KEY (task, outcome)
    ) WITHOUT ROWID;
    CREATE TABLE bars_unavailable ( -- sessions whose bars TWS said it does not have
        con_id INTEGER NOT NULL,
        bar_size TEXT NOT NULL,
        what TEXT NOT NULL,
        trade_date TEXT NOT NULL,
        symbol TEXT NOT NULL,
        reason TEXT NOT NULL,
        asked_at TEXT NOT NULL,
        PRIMARY KEY (con_id, bar_size, what, trade_date)
    ) WITHOUT ROWID;
    CREATE TABLE historical_requests (  -- of small bars, so that a new process knows what TWS still counts
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        at TEXT NOT NULL,
        contract TEXT NOT NULL,     -- con_id, exchange and what: six of them in two seconds are too many
        request TEXT NOT NULL,      -- with end, duration and size: the same one within 15 s is too soon
        weight INTEGER NOT NULL
    );
    CREATE INDEX historical_requests_by_time ON historical_requests (at);
    """,
    """
    CREATE TABLE missed_slots (     -- slots that were due and of which neither gate nor journal has a trace
        task TEXT NOT NULL,
        slot TEXT NOT NULL,
        day TEXT NOT NULL,          -- New York date of the slot
        cause TEXT NOT NULL,        -- host_down, cron_silent, line_ignored, gate_failed ... (v6.missed.causes)
        evidence TEXT NOT NULL,
        found_at TEXT NOT NULL,
        catch_up TEXT NOT NULL DEFAULT '',  -- '' not wanted, 'started', or why not: 'too_late', 'not_latest' ...
        PRIMARY KEY (task, slot)
    ) WITHOUT ROWID;
    CREATE INDEX missed_slots_by_slot ON missed_slots (slot);
    CREATE TABLE known_tasks (      -- since when a task has been defined as it is: nothing was missed before
        task TEXT PRIMARY KEY,
        definition TEXT NOT NULL,
        since TEXT NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE marks (            -- how far something has been looked at
        name TEXT PRIMARY KEY,
        value TEXT NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE deliveries (       -- every message and ping that left, or did not
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        at TEXT NOT NULL,
        channel TEXT NOT NULL CHECK (channel IN ('alert','heartbeat')),
        what TEXT NOT NULL,         -- the message's title; the task and what was said of it
        alerts INTEGER NOT NULL DEFAULT 0,  -- how many alerts the message carried
        error TEXT NOT NULL DEFAULT ''      -- '': delivered
    );
    CREATE INDEX deliveries_by_channel ON deliveries (channel, at);
    CREATE INDEX deliveries_failed ON deliveries (channel, at) WHERE error <> '';
    CREATE TABLE run_totals (       -- of every attempt and skip that ended, whether or not its row is still there
        task TEXT NOT NULL,
        outcome TEXT NOT NULL,
        reason TEXT NOT NULL,       -- of skips; '' of the others
        runs INTEGER NOT NULL,
        retries INTEGER NOT NULL,   -- of them later attempts than the first
        wall_seconds REAL NOT NULL,
        cpu_seconds REAL NOT NULL,
        last_ended_at TEXT NOT NULL,
        last_wall_seconds REAL,     -- null: not known
        last_peak_memory_mb REAL,
        PRIMARY KEY (task, outcome, reason)
    ) WITHOUT ROWID;
    INSERT INTO run_totals
        SELECT task, outcome, iif(outcome = 'skip', reason, ''), count(*), sum(attempt > 1),
            total(wall_seconds), total(cpu_seconds), max(coalesce(ended_at, started_at)), wall_seconds, peak_memory_mb
        FROM runs WHERE outcome IS NOT NULL GROUP BY 1, 2, 3;
    INSERT INTO run_totals
        SELECT task, outcome, iif(outcome = 'skip', 'unknown', ''), runs, 0, 0, 0, '', NULL, NULL FROM runs_removed
        WHERE true ON CONFLICT DO UPDATE SET runs = runs + excluded.runs;
    DROP TABLE runs_removed;
    CREATE TRIGGER runs_total_inserted AFTER INSERT ON runs WHEN NEW.outcome IS NOT NULL BEGIN
        INSERT INTO run_totals VALUES (NEW.task, NEW.outcome, iif(NEW.outcome = 'skip', NEW.reason, ''), 1,
            NEW.attempt > 1, coalesce(NEW.wall_seconds, 0), coalesce(NEW.cpu_seconds, 0),
            coalesce(NEW.ended_at, NEW.started_at), NEW.wall_seconds, NEW.peak_memory_mb)
        ON CONFLICT DO UPDATE SET runs = runs + 1, retries = retries + excluded.retries,
            wall_seconds = wall_seconds + excluded.wall_seconds, cpu_seconds = cpu_seconds + excluded.cpu_seconds,
            last_ended_at = excluded.last_ended_at, last_wall_seconds = excluded.last_wall_seconds,
            last_peak_memory_mb = excluded.last_peak_memory_mb;
    END;
    CREATE TRIGGER runs_total_ended AFTER UPDATE OF outcome ON runs
    WHEN OLD.outcome IS NULL AND NEW.outcome IS NOT NULL BEGIN
        INSERT INTO run_totals VALUES (NEW.task, NEW.outcome, iif(NEW.outcome = 'skip', NEW.reason, ''), 1,
            NEW.attempt > 1, coalesce(NEW.wall_seconds, 0), coalesce(NEW.cpu_seconds, 0),
            coalesce(NEW.ended_at, NEW.started_at), NEW.wall_seconds, NEW.peak_memory_mb)
        ON CONFLICT DO UPDATE SET runs = runs + 1, retries = retries + excluded.retries,
            wall_seconds = wall_seconds + excluded.wall_seconds, cpu_seconds = cpu_seconds + excluded.cpu_seconds,
            last_ended_at = excluded.last_ended_at, last_wall_seconds = excluded.last_wall_seconds,
            last_peak_memory_mb = excluded.last_peak_memory_mb;
    END;
    CREATE TABLE contract_totals (  -- of slots that are over and counted: what became of each contract of each slot
        task TEXT NOT NULL,
        status TEXT NOT NULL,       -- complete, partial, missing; unaccounted: the slot was begun and never closed
        reason TEXT NOT NULL,       -- '' of complete and unaccounted
        contracts INTEGER NOT NULL,
        PRIMARY KEY (task, status, reason)
    ) WITHOUT ROWID;
    CREATE TABLE row_totals (       -- rows ever written to tables whose old rows are let go, by two of their columns
        name TEXT NOT NULL,         -- alerts (severity, ''), deliveries (channel, result), missed_slots (task, cause)
        first TEXT NOT NULL,
        second TEXT NOT NULL,
        rows INTEGER NOT NULL,
        PRIMARY KEY (name, first, second)
    ) WITHOUT ROWID;
    INSERT INTO row_totals SELECT 'alerts', severity, '', count(*) FROM alerts GROUP BY severity;
    CREATE TRIGGER alerts_total AFTER INSERT ON alerts BEGIN
        INSERT INTO row_totals VALUES ('alerts', NEW.severity, '', 1) ON CONFLICT DO UPDATE SET rows = rows + 1;
    END;
    CREATE TRIGGER deliveries_total AFTER INSERT ON deliveries BEGIN
        INSERT INTO row_totals VALUES ('deliveries', NEW.channel, iif(NEW.error = '', 'delivered', 'failed'), 1)
        ON CONFLICT DO UPDATE SET rows = rows + 1;
    END;
    CREATE TRIGGER missed_slots_total AFTER INSERT ON missed_slots BEGIN
        INSERT INTO row_totals VALUES ('missed_slots', NEW.task, NEW.cause, 1)
        ON CONFLICT DO UPDATE SET rows = rows + 1;
    END;
    CREATE TABLE gate_skips (       -- counted from the gate's log
        task TEXT NOT NULL,
        reason TEXT NOT NULL,
        skips INTEGER NOT NULL,
        PRIMARY KEY (task, reason)
    ) WITHOUT ROWID;
    CREATE TABLE lake_sizes (       -- of the lake's tables, as their logs said it when they were last read
        lake_table TEXT PRIMARY KEY,
        rows INTEGER,               -- null: the log does not tell
        bytes INTEGER NOT NULL,
        files INTEGER NOT NULL,
        at TEXT NOT NULL
    ) WITHOUT ROWID;
    CREATE INDEX runs_by_id_of_task ON runs (task);  -- the row's id is the last column of every index
    CREATE INDEX runs_by_slot ON runs (task, slot);
    CREATE INDEX runs_by_moment ON runs (coalesce(slot, started_at));
    CREATE INDEX runs_succeeded ON runs (task) WHERE outcome = 'success';
    CREATE INDEX slot_ledger_open ON slot_ledger (task, slot) WHERE state = 'open';
    CREATE INDEX session_cycles_by_slot ON session_cycles (slot);
    CREATE INDEX events_by_kind ON events (kind);
    CREATE INDEX alerts_by_time ON alerts (at);
    CREATE INDEX alerts_by_id_of_key ON alerts (key);
    """,
)
