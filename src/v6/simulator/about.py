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
    ("absent", "scanner, P&L, depth, news, real-time bars, tick-by-tick, symbol search", "answered with error 321"),
    ("absent", "connectivity messages 1100-1102, halts, 10197", "faults of a later version"),
)  # fmt: skip


def about() -> str:
    lines = ["Simulated TWS: what a rehearsal on it is worth", ""]
    lines += [f"{level:<11} {what}: {how}" for level, what, how in FIDELITY]
    return "\n".join(lines)
