"""How one simulator is set up. The defaults are real TWS's, on the pessimistic side."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal, get_type_hints

from v6.simulator.faults.model import Faults
from v6.simulator.option_values import OptionError, kind_of

DEFAULT_ACCOUNT = "DU9000001"
SHARES = ("silent_share", "no_greeks_share", "spoiled_share")
MANIFOLD = ("models", "faults")  # no single values


@dataclass
class Options:
    """Seconds and counts; a limit of 0 is no limit. Raises OptionError for what cannot be.

    host, port: 0: any free port. seed: another market. accounts: only ids that cannot be real; models: the model
    portfolios of an account, by account.
    replay: recorded chains or a lake. scenario: FILE or shipped name of faults over time.
    calendar: a compiled calendar.txt; without one every weekday is a regular session.
    start_at: the simulator's own time instead of v6.clock's. speed: how many seconds of its clock pass in one.
    latency: False answers everything at once. reply_seconds: until most answers; contract_seconds: more for each
    contract of an answer; wide_details_seconds: until the details of all of an underlying's options, when no expiry is
    given; real TWS may hang altogether.
    messages_a_second: in any second of one client. rate: a message over it is rejected (and the third such second, the
    number of strikes, ends the connection), or waits: a setting of newer TWS, whose default is not known.
    lines: of market data, of all clients; snapshots_a_second: of all clients; clients: connections at once.
    snapshot_seconds: until a snapshot ends. first_tick_seconds, greeks_seconds: from, to; the latter after the former.
    occupied_seconds: how long a client id stays in use after its client vanished (RST, no FIN), until TWS notices;
    freed_seconds: the same after a clean end. Nobody has measured either [ib_insync#106, #360, #376; ib_async#152].
    backlog: connections the kernel queues while nobody accepts; 50 is Java's default.
    event_log: FILE of every message in and out, at most two files of event_log_mb. control_port: None: no such port.
    historical_pacing: the rules for small bars and the throttle for others; historical_open: open requests at once.
    scanners: scanner subscriptions at once, of all clients [doc]; scanner_seconds: between two results of one.
    extended_hours: stocks also trade, thinly, from 04:00 to 09:30 and from 16:00 to 20:00 New York time.
    submit_seconds: until IB has an order or a cancel that TWS has taken; a restart in between loses the order.
    commission_seconds: from the fill to its commission report.
    realistic_statuses: order statuses repeat or are skipped. preset_notices: an order without a tif gets a 10349.
    master_client: the id that is told of every client's orders. read_only: TWS's "Read-Only API".
    refuse_old_attributes: eTradeOnly and firmQuoteOnly, which ibapi 9.81 sets unasked, are refused (10268, 10269).
    order_precautions: TWS's order presets refuse sizes over size_limit (383), values over value_limit dollars (451)
    and limits more than percentage_limit through the market (109). price_bands: IB ends such orders by itself (202).
    orders_a_side: working orders of one contract and side. margins: orders beyond the account's means are refused.
    no_shorting: symbols that cannot be borrowed. execution_days: how many days before today executions are kept.
    state: FILE that keeps orders, executions, positions and ids over the simulator's own restart.
    refresh_seconds, profit_seconds: how often account values and profit and loss are sent again.
    account_summaries: how many a client may have; summary_ids_stay: a cancelled one still counts, as in newer TWS.
    faults: how it misbehaves from the start.
    """

    host: str = "127.0.0.1"
    port: int = 7497
    seed: int = 1
    accounts: tuple[str, ...] = (DEFAULT_ACCOUNT,)
    models: dict[str, tuple[str, ...]] = field(default_factory=dict)
    replay: Path | None = None
    scenario: Path | None = None
    calendar: Path | None = None
    start_at: datetime | None = None
    latency: bool = True
    messages_a_second: int = 50
    rate: Literal["reject", "queue"] = "reject"
    strikes: int = 3
    lines: int = 100
    snapshots_a_second: int = 100
    clients: int = 32
    occupied_seconds: float = 5.0
    freed_seconds: float = 0.1
    backlog: int = 50
    event_log: Path | None = None
    event_log_mb: float = 100.0
    control_port: int | None = None
    snapshot_seconds: float = 11.0
    first_tick_seconds: tuple[float, float] = (0.15, 0.4)
    greeks_seconds: tuple[float, float] = (0.3, 2.0)
    reply_seconds: float = 0.04
    contract_seconds: float = 0.0001
    wide_details_seconds: float = 30.0
    refresh_seconds: float = 180.0
    extended_hours: bool = True
    historical_pacing: bool = True
    historical_open: int = 50
    scanners: int = 10
    scanner_seconds: float = 30.0
    speed: float = 1.0
    profit_seconds: float = 1.0
    submit_seconds: tuple[float, float] = (0.1, 0.3)
    commission_seconds: tuple[float, float] = (0.0, 0.3)
    realistic_statuses: bool = True
    preset_notices: bool = True
    master_client: int | None = None
    read_only: bool = False
    refuse_old_attributes: bool = True
    order_precautions: bool = True
    size_limit: float = 500.0
    value_limit: float = 100_000.0
    percentage_limit: float = 0.03
    price_bands: bool = True
    orders_a_side: int = 15
    margins: bool = True
    no_shorting: frozenset[str] = frozenset()
    execution_days: int = 0
    state: Path | None = None
    account_summaries: int = 2
    summary_ids_stay: bool = True
    faults: Faults = field(default_factory=lambda: Faults(no_greeks_share=0.02))

    def __post_init__(self) -> None:
        for name, kind in KINDS.items():
            value = kind.tidy(getattr(self, name))
            if not kind.fits(value):
                raise OptionError(name, value, kind.allowed)
            setattr(self, name, value)
        if strangers := self.models.keys() - set(self.accounts):
            raise ValueError(f"models of accounts that do not exist: {', '.join(sorted(strangers))}")
        for name in SHARES:
            if not 0 <= getattr(self.faults, name) <= 1:
                raise OptionError(f"faults.{name}", getattr(self.faults, name), "a share from 0 to 1")

    def fast(self) -> "Options":
        """No latency, no limits, every contract ticks with greeks (unless faults say otherwise)."""
        self.latency = self.historical_pacing = False
        self.historical_open = self.scanners = 0
        self.messages_a_second = self.lines = self.clients = self.account_summaries = self.snapshots_a_second = 0
        self.occupied_seconds = self.freed_seconds = 0.0
        self.snapshot_seconds = self.reply_seconds = self.contract_seconds = self.wide_details_seconds = 0.0
        self.refresh_seconds = 5.0
        self.first_tick_seconds = self.greeks_seconds = (0.0, 0.0)
        self.submit_seconds = self.commission_seconds = (0.0, 0.0)
        self.realistic_statuses = self.preset_notices = self.order_precautions = self.price_bands = False
        self.orders_a_side = 0
        self.faults.no_greeks_share = 0.0
        return self


KINDS = {name: kind_of(name, hint) for name, hint in get_type_hints(Options).items() if name not in MANIFOLD}


def named(options: Mapping[str, Any], *, fast: bool = False, faults: Faults | None = None) -> Options:
    """Options by name; what is named counts whatever `fast` says. Raises TypeError for a name that is none."""
    known = [each.name for each in fields(Options)]
    for name in options:
        if name not in known:
            close = get_close_matches(name, [*known, "fast"], 3)
            hint = f"the closest: {', '.join(close)}" if close else f"allowed: fast, {', '.join(known)}"
            raise TypeError(f"no option {name!r}; {hint}")
    chosen = Options(**options) if faults is None else Options(**options, faults=faults)
    if not fast:
        return chosen
    values = {name: getattr(chosen, name) for name in options} | {"faults": chosen.faults}
    if faults is not None:
        chosen.faults = Faults()  # the given ones keep their shares
    chosen.fast()
    for name, value in values.items():
        setattr(chosen, name, value)
    return chosen
