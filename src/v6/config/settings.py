"""Every setting but the schedule. The schema is these models; `config/default.yaml` gives each value and comment."""

import re
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

from v6.config.retention_rules import MOST_DAYS, days, may_expire

TWS_MESSAGES_PER_SECOND = 50
Seconds = Annotated[float, Field(gt=0)]


class Section(BaseModel):
    """Unknown keys are refused; nothing is silently converted (YAML's `no` must not become a string)."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, defer_build=True)


class LineBudget(Section):
    """Market data lines this host may hold at once, by purpose. TWS's own windows need some of its 100 too."""

    options: Annotated[int, Field(ge=1, le=1000)]
    futures: Annotated[int, Field(ge=1, le=1000)]
    checks: Annotated[int, Field(ge=1, le=1000)]


class Ibkr(Section):
    host: str
    port: Annotated[int, Field(ge=1, le=65535)]
    library: Literal["auto", "ib_insync", "ib_async"]
    simulator: bool
    connect_timeout_seconds: Seconds
    request_timeout_seconds: Seconds
    quote_timeout_seconds: Seconds
    greeks_wait_seconds: Seconds
    messages_per_second: Annotated[float, Field(gt=0)]
    market_data_lines: LineBudget
    persistent_connection: bool
    force_disconnect: bool
    first_client_id: Annotated[int, Field(ge=1, le=999)]
    last_client_id: Annotated[int, Field(ge=1, le=999)]
    connections_per_hour: Annotated[int, Field(ge=1)]
    connections_per_day: Annotated[int, Field(ge=1)]
    diagnose_client_id: Annotated[int, Field(ge=1, le=999)]
    diagnose_every_seconds: Annotated[float, Field(ge=0)]
    probe_seconds: Seconds

    @property
    def place(self) -> str:
        """Where TWS listens, as messages call it."""
        return f"{self.host}:{self.port}"

    @field_validator("messages_per_second")
    @classmethod
    def _tws_is_not_flooded(cls, value: float, info: ValidationInfo) -> float:
        if value > TWS_MESSAGES_PER_SECOND and not info.data.get("simulator"):
            raise ValueError(
                f"{value:g} is wrong, TWS disconnects above {TWS_MESSAGES_PER_SECOND}, "
                f"allowed: up to {TWS_MESSAGES_PER_SECOND}"
            )
        return value


class Universe(Section):
    symbols: Annotated[tuple[str, ...], Field(min_length=1, strict=False)]
    min_dte: Annotated[int, Field(ge=0)]
    max_dte: Annotated[int, Field(ge=1)]
    strike_band: Annotated[float, Field(gt=0, lt=1)]
    max_contracts: Annotated[int, Field(ge=1)]
    min_expiries: Annotated[int, Field(ge=1)]
    max_expiries: Annotated[int, Field(ge=1)]
    far_expiry_dte: Annotated[int, Field(ge=1)]
    wings: Annotated[tuple[Annotated[float, Field(gt=0, lt=1)], ...], Field(strict=False)]

    @model_validator(mode="after")
    def _room_for_expiries(self) -> Self:
        if self.max_expiries < self.min_expiries:
            raise ValueError(f"max_expiries {self.max_expiries} is less than min_expiries {self.min_expiries}")
        if self.max_dte <= self.min_dte:
            raise ValueError(f"max_dte {self.max_dte} leaves nothing beyond min_dte {self.min_dte}")
        return self


class Futures(Section):
    symbols: dict[str, str]  # symbol -> exchange


SYMBOL = re.compile(r"[A-Z][A-Z0-9 .]{0,15}")


def _symbol(given: str) -> str:
    if not SYMBOL.fullmatch(given):
        raise ValueError(
            f"{given!r} is wrong, allowed: a capital letter, then up to 15 capital letters, digits, dots or blanks, "
            "such as BRK B"
        )
    return given


Symbol = Annotated[str, AfterValidator(_symbol)]


class Bars(Section):
    """Historical bars: which symbols, how far back, and how much may be asked for in one run."""

    watchlist: Annotated[tuple[Symbol, ...], Field(strict=False)]
    indices: dict[Symbol, str]  # symbol -> exchange
    intraday_size: Literal["1 min", "2 mins", "3 mins", "5 mins", "10 mins", "15 mins", "30 mins", "1 hour"]
    daily_sessions: Annotated[int, Field(ge=1, le=5000)]
    intraday_sessions: Annotated[int, Field(ge=1, le=500)]
    stock_volume_unit: Literal["shares", "lots"]
    max_requests: Annotated[int, Field(ge=1)]
    ask_again_days: Annotated[int, Field(ge=1)]

    @field_validator("watchlist")
    @classmethod
    def _each_symbol_once(cls, watchlist: tuple[str, ...]) -> tuple[str, ...]:
        if twice := [symbol for symbol in dict.fromkeys(watchlist) if watchlist.count(symbol) > 1]:
            raise ValueError(f"{', '.join(twice)} more than once, allowed: each symbol once")
        return watchlist


class Statistics(Section):
    """What the statistics assume. Volatilities are annualised fractions, the trend is log price per session."""

    risk_free_rate: Annotated[float, Field(ge=-0.05, le=0.5)]
    low_vol: Annotated[float, Field(gt=0, le=5)]
    high_vol: Annotated[float, Field(gt=0, le=5)]
    trend: Annotated[float, Field(gt=0, le=1)]

    @model_validator(mode="after")
    def _low_is_below_high(self) -> Self:
        if self.low_vol >= self.high_vol:
            raise ValueError(f"low_vol {self.low_vol:g} is not below high_vol {self.high_vol:g}")
        return self


Share = Annotated[float, Field(ge=0, le=1)]


QualityRule = Literal[
    "missing_slots",
    "missing_contracts",
    "null_share",
    "constant_column",
    "duplicates",
    "schema_drift",
    "outside_session",
    "crossed",
    "locked",
    "one_sided",
    "stale",
    "frozen",
    "iv_range",
    "iv_not_invertible",
    "greek_sign",
    "parity",
    "butterfly",
    "calendar",
    "falling_volume",
    "price_jump",
    "unit_jump",
    "bar_shape",
    "bar_jump",
    "missing_bars",
]
"""The rules of `v6.analysis.quality.rules.RULES`."""


class Quality(Section):
    """Limits of the rules of data quality; `weights` and `critical` name rules (docs/data.md)."""

    stale_slots: Annotated[int, Field(ge=2, le=78)]
    stale_underlying_move: Annotated[float, Field(gt=0, lt=1)]
    max_missing_share: Share
    max_one_sided_share: Share
    max_crossed_share: Share
    null_share_rise: Share
    null_share_days: Annotated[int, Field(ge=2, le=250)]
    min_iv: Annotated[float, Field(ge=0, lt=1)]
    max_iv: Annotated[float, Field(gt=0, le=50)]
    parity_spreads: Annotated[float, Field(gt=0)]
    arbitrage_spreads: Annotated[float, Field(gt=0)]
    unit_low: Annotated[float, Field(gt=0, lt=1)]
    unit_high: Annotated[float, Field(gt=1)]
    price_jump_deviations: Annotated[float, Field(gt=0)]
    critical: Annotated[tuple[QualityRule, ...], Field(strict=False)]
    weights: dict[QualityRule, Annotated[float, Field(ge=0)]]
    max_findings_per_rule: Annotated[int, Field(ge=1)]


class Retention(Section):
    """Days that are kept; `tables`: by table, a table that is not named is kept for ever."""

    tables: dict[
        Annotated[str, AfterValidator(may_expire)], Annotated[int, Field(ge=7, le=MOST_DAYS), BeforeValidator(days)]
    ]
    logs_days: Annotated[int, Field(ge=2, le=MOST_DAYS)]
    journal_days: Annotated[int, Field(ge=30, le=MOST_DAYS)]


class Positions(Section):
    """When a difference between TWS and what was stored is a break. `average_cost_tolerance`: a fraction; commissions
    with fees at most, in money."""

    average_cost_tolerance: Annotated[float, Field(gt=0, lt=1)]
    commission_per_contract: Annotated[float, Field(ge=0)]
    commission_per_share: Annotated[float, Field(ge=0)]


class Lake(Section):
    root: str
    storage_options: dict[str, str]


class Health(Section):
    min_free_disk_percent: Annotated[float, Field(gt=0, lt=100)]
    min_calendar_days: Annotated[int, Field(ge=1)]
    min_complete_percent: Annotated[float, Field(gt=0, le=100)]
    max_clock_skew_seconds: Seconds
    check_symbol: str


Command = Annotated[tuple[Annotated[str, Field(min_length=1)], ...], Field(min_length=1, strict=False)]


class Hooks(Section):
    """The user's own commands, argument lists each; they get the report as JSON on standard input."""

    pre_restart: Annotated[tuple[Command, ...], Field(strict=False)]
    restart_complete: Annotated[tuple[Command, ...], Field(strict=False)]
    timeout_seconds: Seconds

    @field_validator("pre_restart", "restart_complete", mode="before")
    @classmethod
    def _lists_of_words(cls, given: object) -> object:
        """One command instead of a list of them is the likely slip."""
        if isinstance(given, (list, tuple)) and all(isinstance(command, (list, tuple)) for command in given):
            return given
        shown = list(given) if isinstance(given, tuple) else given
        raise ValueError(
            f"{shown!r} is wrong, allowed: a list of commands, each a list of its words, such as "
            "[[/usr/local/bin/pause, --now]]"
        )


class WeeklyLogin(Section):
    """When IBKR's token dies and the next login needs a person; New York."""

    day: Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
    time: Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]
    remind_hours_before: Annotated[tuple[Annotated[float, Field(gt=0, le=168)], ...], Field(strict=False)]


class Restart(Section):
    """What V6 does around TWS's restarts; when they are is `scheduler.restart_windows`."""

    client_id: Annotated[int, Field(ge=1, le=999)]
    cancel: Literal["none", "own", "all"]
    owner_client_ids: Annotated[tuple[Annotated[int, Field(ge=0, le=999)], ...], Field(strict=False)]
    include_gtc: bool
    allow_global_cancel: bool
    close_positions: Annotated[tuple[str, ...], Field(strict=False)]
    essential_tasks: Annotated[tuple[str, ...], Field(strict=False)]
    prepare_seconds: Annotated[float, Field(ge=20, le=600)]
    state_max_age_seconds: Seconds
    keep_states: Annotated[int, Field(ge=2, le=1000)]
    keep_reports: Annotated[int, Field(ge=2, le=10000)]
    stable_round_trips: Annotated[int, Field(ge=1, le=100)]
    reconnect_first_seconds: Seconds
    reconnect_cap_seconds: Seconds
    overdue_minutes: Annotated[int, Field(ge=1, le=720)]
    server_region: Literal["north_america", "europe", "asia_pacific"]
    weekly_login: WeeklyLogin
    hooks: Hooks


class TwsProcess(Section):
    """How this host starts and stops TWS; without commands V6 only observes."""

    start_command: Annotated[tuple[str, ...], Field(strict=False)]
    stop_command: Annotated[tuple[str, ...], Field(strict=False)]
    java_heap: Annotated[str, Field(pattern=r"^[1-9][0-9]{0,5}[kmgKMG]$")]
    startup_seconds: Seconds
    hung_after_seconds: Seconds
    max_restarts: Annotated[int, Field(ge=0, le=100)]
    per_hours: Annotated[float, Field(gt=0, le=168)]


class Session(Section):
    """The market session: one connection for the day (`ibkr.persistent_connection`)."""

    cycle_minutes: Literal[5, 10, 15, 30, 60]
    cycle_seconds: Seconds
    keep_after_close_minutes: Annotated[int, Field(ge=0, le=240)]
    ping_every_seconds: Seconds
    ping_seconds: Seconds
    quote_age_seconds: Seconds
    watch_symbols: Annotated[tuple[str, ...], Field(min_length=1, strict=False)]
    max_memory_mb: Annotated[int, Field(ge=100)]


AlertSeverity = Literal["info", "warning", "failure"]
ClockTime = Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]


class QuietHours(Section):
    """Alerts of these severities wait for `end`; the same start and end: no quiet hours. In scheduler.timezone."""

    start: ClockTime
    end: ClockTime
    severities: Annotated[tuple[AlertSeverity, ...], Field(strict=False)]


class Alerts(Section):
    """What a person is told, and how often; where to is V6_ALERT_URLS in the environment or .env, and nowhere else."""

    messages_per_hour: Annotated[int, Field(ge=1, le=1000)]
    repeat_hours: Annotated[float, Field(gt=0, le=168)]
    incomplete_slots: Annotated[int, Field(ge=1, le=78)]
    log_lines: Annotated[int, Field(ge=0, le=50)]
    quiet_hours: QuietHours


class Heartbeat(Section):
    """Pings of a dead man's switch (healthchecks.io and alike). The addresses are in the environment or .env only:
    V6_HEARTBEAT_URL, where {task} becomes the task's name, and V6_HEARTBEAT_URL_<TASK>, which wins. `tasks`: those that
    ping V6_HEARTBEAT_URL."""

    tasks: Literal["all"] | tuple[str, ...]
    timeout_seconds: Seconds


class Install(Section):
    """`user`: whose the installation is and who runs the jobs, created on request; empty: the owner of the checkout."""

    user: Annotated[str, Field(pattern=r"^([a-z_][a-z0-9_-]{0,31})?$")]
    reboot_line: bool


class Metrics(Section):
    """`textfile`: for node_exporter's textfile collector, relative to V6_HOME; empty: none is written."""

    textfile: str
    every_seconds: Annotated[float, Field(ge=0)]

    @field_validator("textfile")
    @classmethod
    def _node_exporter_reads_it(cls, value: str) -> str:
        if value and not value.endswith(".prom"):
            raise ValueError(f"{value!r} is wrong, node_exporter reads no such name, allowed: a name ending in .prom")
        return value


class Settings(Section):
    """The effective settings of one process."""

    ibkr: Ibkr
    universe: Universe
    futures: Futures
    bars: Bars
    lake: Lake
    statistics: Statistics
    quality: Quality
    retention: Retention
    positions: Positions
    health: Health
    restart: Restart
    tws: TwsProcess
    session: Session
    metrics: Metrics
    alerts: Alerts
    heartbeat: Heartbeat
    install: Install
