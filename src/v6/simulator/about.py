"""What the simulator models, simplifies and leaves out: a user must know what a rehearsal is worth."""

FIDELITY = (
    ("modelled", "wire protocol 157..178", "field gates as decoded by ib_insync 0.9.86 and ib_async 2.1.0"),
    ("modelled", "start-up order", "managed accounts, next valid id, farm messages; 326 for a client id in use"),
    ("modelled", "limits", "50 messages a second (strict one-second buckets), 100 shared lines, 32 clients"),
    ("modelled", "market data", "58, 81 first, prices 150-400 ms later, greeks later or never, snapshot end at 11 s"),
    ("modelled", "data types", "live, frozen, delayed, delayed-frozen; 354, 10089, 10168, 10167"),
    ("modelled", "option chain", "cross product with holes, weeklies, several classes; 200 for what does not exist"),
    ("modelled", "option prices", "SSVI surface and Black-Scholes: no arbitrage beyond the spread"),
    ("modelled", "sessions", "NYSE from a compiled calendar; futures Sunday 18:00 to Friday 17:00 with the break"),
    ("simplified", "exercise", "European everywhere; dividends are a continuous yield"),
    ("simplified", "stocks", "quiet outside regular hours: no pre-market or after-hours trading"),
    ("simplified", "futures hours", "13:00 halt on NYSE holidays, 13:15 on early closes, three days shut"),
    ("simplified", "without a calendar", "every weekday is a session from 09:30 to 16:00"),
    ("simplified", "bid, ask, last computations", "implied volatility to first order around the model"),
    ("simplified", "open interest of futures", "tick 86 comes for generic tick 588 and also for 101"),
    ("simplified", "message rate", "how TWS counts its second is unknown; a breach rejects, the third disconnects"),
    ("simplified", "historical bars", "sampled from the streaming prices; no pacing rules; no extended hours"),
    ("simplified", "replay", "recorded fields exact; sizes 0, last-trade times, underlying prices not recorded: the"
     " underlying's quote is derived by put-call parity"),
    ("absent", "orders, executions", "placing an order is refused with 201; lists are empty"),
    ("modelled", "account summary", "at most 2 a client (322), every 3 minutes or after a trade; a cancelled one still"
     " counts as in TWS of 2026 [reports of 2026; off in fast]; ledger rows of the group [report]"),
    ("modelled", "account updates", "the keys, segments S and C, BASE rows and order of recordings of 2022 and 2026;"
     " one account at a time, 2100 at its end; then what changed, every 3 minutes or after a trade [IBKR docs]"),
    ("modelled", "positions, positions multi, updates multi", "subscriptions with account and model [IBKR"
     " docs, recordings]"),
    ("modelled", "P&L", "94 and 95 when they change, realized unset until traded today [ib_insync#462], 102, 321, 2150,"
     " 10185, 10186; size 2.0 from 163 on [ib_insync#542]"),
    ("modelled", "reference data", "market rules 26, 32, 109, 110, smart components of 9c0001, news providers,"
     " families, tiers, display groups, symbol search: recordings of IB Gateway 2026"),
    ("modelled", "calculations on options", "Black-Scholes, tick 53 with -1 and -2 where the recording has them"),
    ("modelled", "requests of missing permissions", "10092, 2152, 10187, 10188, 10189, 10276, 10358, 10172, FA 321:"
     " recordings and reports"),
    ("simplified", "account values", "US dollars only; previous-day equity, Reg-T and look-ahead values repeat today's;"
     " segment C has the futures and their initial margin in cash"),
    ("simplified", "models", "a model has no cash but what its trades left; model \"\" is the whole account"),
    ("simplified", "daily P&L", "since the close of the session before, also for futures; no resets by time zone"),
    ("simplified", "market rules of futures", "the numbers 67 and 239 are not verified; contract id of RTY's index 0"),
    ("simplified", "smart components", "answered whether or not ticks have announced the code; stocks only"),
    ("simplified", "exercise of options", "checked, then rejected as by paper servers [recording]; nothing is done"),
    ("simplified", "unverified texts", "unknown model, display group, verification and calculation errors; the two"
     " letters in 321 and 322 differ between builds; unknown message ids get 320"),
    ("absent", "depth, tick-by-tick, historical ticks, histograms, news, fundamentals, Wall Street Horizon, advisors",
     "the errors of an account without permission"),
    ("absent", "connectivity messages 1100-1102, halts, 10197", "faults of a later version"),
)  # fmt: skip


def about() -> str:
    lines = ["Simulated TWS: what a rehearsal on it is worth", ""]
    lines += [f"{level:<11} {what}: {how}" for level, what, how in FIDELITY]
    return "\n".join(lines)
