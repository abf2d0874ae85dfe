"""A generated trade date: Wednesday 2026-11-25, a regular session, with everything the page shows."""

from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

import option_rows
from v6.clock import NEW_YORK
from v6.journal import ledger
from v6.journal.database import connect
from v6.journal.ledger import Miss
from v6.paths import Paths
from v6.store import frames
from v6.store.lake import Lake

DAY = date(2026, 11, 25)
SYMBOLS = ("IWM", "QQQ", "SPY")
OPTIONS, FUTURES = "collect_option_snapshots", "collect_futures_snapshots"
CONTRACTS = 60
HOSTILE = "<script>alert('x')</script>\"&"
SESSIONS = [DAY - timedelta(days=back) for back in range(40) if (DAY - timedelta(days=back)).weekday() < 5][:24][::-1]
"""The 24 sessions until the day: no holiday lies among them."""


def lake_of(paths: Paths) -> Lake:
    return Lake(str(paths.var / "lake"), None, paths.locks)


def slot(hour: int, minute: int) -> datetime:
    return datetime(DAY.year, DAY.month, DAY.day, hour, minute, tzinfo=NEW_YORK)


def quotes(lake: Lake) -> pl.DataFrame:
    """Six slots from 09:35 of 60 contracts with volatilities, stored as the collector does. What was stored."""
    rows = option_rows.generated(DAY, slots=6, contracts=CONTRACTS, live=True)
    for at, frame in option_rows.by_slot(rows).items():
        lake.write_slot("option_snapshots", task=OPTIONS, slot=at, frame=frame)
    return rows


def universe(lake: Lake, rows: pl.DataFrame) -> None:
    """Every contract of the rows, collected, as version 2."""
    first = rows.filter(pl.col("slot") == pl.col("slot").min())
    contracts = [
        {
            **{name: row[name] for name in ("con_id", "symbol", "trading_class", "expiry", "strike", "right")},
            "trade_date": DAY,
            "version": 2,
            "task": "schedule_935_et",
            "created_at": slot(9, 35),
            "exchange": "SMART",
            "currency": "USD",
            "dte": (row["expiry"] - DAY).days,
            "collected": True,
            "held": False,
        }
        for row in first.iter_rows(named=True)
    ]
    lake.write_universe(DAY, 2, frames.rows_to_frame("option_contracts", contracts))


def books(paths: Paths, rows: pl.DataFrame) -> None:
    """The ledger of the slots 09:35 to 10:00: all complete, but two SPY contracts without greeks at 09:45, and a failed
    future at 09:50."""
    spy = [str(con_id) for con_id in rows.filter(pl.col("symbol") == "SPY")["con_id"].unique().sort()]
    with closing(connect(paths.journal)) as db:
        for index in range(6):
            at = slot(9, 35) + timedelta(minutes=5 * index)
            lost = [Miss(one, "SPY", "partial", "no_greeks") for one in spy[:2]] if index == 2 else []
            ledger.open_slot(db, OPTIONS, at, CONTRACTS, 2)
            ledger.close_slot(db, OPTIONS, at, CONTRACTS - len(lost), lost)
            away = [Miss("RTY", "RTY", "missing", "tws_down", HOSTILE)] if index == 3 else []
            ledger.open_slot(db, FUTURES, at, 3)
            ledger.close_slot(db, FUTURES, at, 3 - len(away), away)


def statistics(lake: Lake) -> pl.DataFrame:
    """Daily statistics of 24 sessions; of IWM there is no 60-day volatility, and one session is missing of QQQ."""
    random = np.random.default_rng(6)
    rows: list[dict[str, Any]] = []
    for place, symbol in enumerate(SYMBOLS):
        level, close = 0.15 + 0.03 * place, 260.0 + 200 * place
        for day in SESSIONS:
            level = max(level + float(random.normal(0, 0.006)), 0.08)
            close *= 1 + float(random.normal(0.0004, 0.009))
            if symbol == "QQQ" and day == SESSIONS[-6]:
                continue
            rows.append(_statistics(symbol, day, level, close))
    frame = frames.fitted("daily_statistics", pl.DataFrame(rows, infer_schema_length=None))
    lake.unite("daily_statistics", frame)
    return frame


def _statistics(symbol: str, day: date, level: float, close: float) -> dict[str, Any]:
    counts = {f"iv_rank_{days}d_count": min(days, 24) for days in (30, 60, 90, 252)} | {"iv_percentile_1y_count": 24}
    few = dict.fromkeys(("iv_rank_252d_reason", "iv_percentile_1y_reason"), "too_few_sessions")
    row: dict[str, Any] = {
        "trade_date": day,
        "symbol": symbol,
        "task": "calculate_daily_statistics",
        "as_of": datetime(day.year, day.month, day.day, 10, 0, tzinfo=NEW_YORK).astimezone(UTC),
        "atm_iv_30d": level,
        "atm_iv_60d": level * 1.04,
        "term_structure_slope": level * 0.04,
        "skew_25d": None,
        "skew_25d_reason": "no_delta",
        "expected_move": close * level / 6,
        "expected_move_expiry": day + timedelta(days=23),
        "volume_total": 18234.0,
        "put_call_volume_ratio": 1.127,
        "iv_rank_30d": 63.4,
        "underlying_close": close,
        "underlying_return": 0.0042,
        "volatility_20d": level * 0.8,
        "trend_20d": -0.0011,
        "regime": "range_bound",
        "contracts": 20,
        "contracts_quoted": 20,
        "contracts_with_iv": 20,
        "slots": 6,
        "slots_expected": 78,
        "regime_low_vol": 0.12,
        "regime_high_vol": 0.28,
        "regime_trend": 0.003,
    }
    if symbol == "IWM":
        row |= {"atm_iv_60d": None, "atm_iv_60d_reason": "not_bracketed"}
        row |= {"term_structure_slope": None, "term_structure_slope_reason": "not_bracketed"}
    return row | counts | few


SCORES = {"missing_slots": (156, 0, 5.0), "crossed": (360, 18, 1.0), "parity": (0, 0, 1.0), "null_share": (24, 6, 3.0)}
"""Rule -> checked, failed, weight; the weighted mean of those checked: (5 x 100 + 95 + 3 x 75) / 9 = 91.1111."""
TOTAL = 91.1111111


def quality(lake: Lake) -> None:
    score = {"trade_date": DAY, "task": "validate_data_quality"}
    scores = [
        {
            **score,
            "rule": rule,
            "checked": checked,
            "failed": failed,
            "weight": weight,
            "score": 100 * (1 - failed / checked) if checked else None,
        }
        for rule, (checked, failed, weight) in SCORES.items()
    ]
    scores.append({**score, "rule": "total", "checked": 540, "failed": 24, "weight": 9.0, "score": TOTAL})
    lake.unite("quality_scores", frames.rows_to_frame("quality_scores", scores))
    finding = {**score, "table": "option_snapshots", "rows": 1}
    found = [
        {
            **finding,
            "number": number,
            "rule": rule,
            "severity": severity,
            "slot": slot(9, 45),
            "symbol": symbol,
            "value": 1.25,
            "limit": 0.5,
            "message": message,
        }
        for number, (rule, severity, symbol, message) in enumerate(
            [
                ("null_share", "critical", "SPY", "iv: 31 % null, the median of 20 days is 2 %"),
                ("crossed", "warning", "QQQ", f"bid above ask {HOSTILE}"),
            ],
            start=1,
        )
    ]
    lake.unite("quality_findings", frames.rows_to_frame("quality_findings", found))


def whole(home: Path, root: Path) -> Paths:
    """Everything above in this home."""
    paths = Paths(root, home)
    lake = lake_of(paths)
    rows = quotes(lake)
    universe(lake, rows)
    books(paths, rows)
    statistics(lake)
    quality(lake)
    return paths
