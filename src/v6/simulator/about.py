"""What the simulator models, simplifies and leaves out: a user must know what a rehearsal is worth."""

FIDELITY = (
    ("modelled", "wire protocol 157..178", "every message field by field as decoded by ib_insync 0.9.86, ib_async"
     " 2.1.0, ibapi 9.81.1 and @stoqey/ib 1.6.10; placeOrder as those four write it"),
    ("modelled", "clients", "ib_insync 0.9.86, ib_async 2.1.0, ibapi 9.81.1.post1 and @stoqey/ib 1.6.10, unmodified,"
     " from the connection to a bracket and a restart [run by `make clients`]"),
    ("modelled", "literals of orders, executions, commissions", "as in public recordings of real TWS at server versions"
     " 163, 176 and 200"),
    ("simplified", "orders as echoed", "dontUseAutoPriceForHedge 1, clearing intent IB, ocaType 3 and no open/close for"
     " the usual order [recordings]; the trailing stop TWS invents for plain orders stays unset; secId is ignored"),
    ("modelled", "start-up order", "managed accounts, next valid id, farm messages; 326 for a client id in use"),
    ("modelled", "limits", "50 messages a second, 100 shared lines, 100 snapshots a second [thetagang#178], 32 clients"
     " [IBKR docs]; each can be switched off"),
    ("modelled", "near the rate", "code 0 without a request id from 42 a second [ib_insync#443, rust-ibapi#766]"),
    ("simplified", "the 33rd client", "closed at once; what TWS says is not known [unverified]"),
    ("simplified", "client ids after their connection", "in use for 5 s when the client vanished (RST, nonsense, struck"
     " out), 0.1 s after a clean end; real times are not measured [ib_insync#106, #360, #376, ib_async#152]"),
    ("modelled", "restart of TWS", "reset, 75 s refused, mute, ready, farms last; ids freed; a login that needs a"
     " person leaves the port closed [Lean.IB#242, gnzsnz/ib-gateway-docker#227]"),
    ("modelled", "IBKR's servers", "1100 repeated, then 1102 (naming farms) or 1101 without a drop; dead after 1102;"
     " 2110 [IBC#143, IBC#251, ib_async#6, IBKR's message codes]"),
    ("simplified", "requests while IBKR is lost", "162, 200 [ib_insync#330], 10182, 1100 for orders [unverified]; fills"
     " and their reports go on"),
    ("modelled", "farms", "2103-2108, 2119, 2157, 2158 a farm; what it feeds stops; live bars end with 10182 [IBKR's"
     " message codes, nautilus_trader]"),
    ("modelled", "a request before the farms are up", "no answer [IBKR docs]; only after a restart, because a TWS that"
     " has run for a while has its farms, and clients ask at once when they connect"),
    ("modelled", "competing session", "10197 for each line, 162 for history [IBKR's message codes, Lean.IB#140]"),
    ("modelled", "broken connections", "refused, stuck acceptor with a full queue, mute, half closed, CLOSE_WAIT,"
     " garbage, truncated frames, drip [ib-gateway-docker#336, rust-ibapi 4.0]; see --scenarios"),
    ("simplified", "clock skew", "currentTime, connection time and account time; whether TWS tells the host's time is"
     " [unverified]"),
    ("simplified", "which farm feeds what", "options usopt, futures usfuture, the rest usfarm; real names differ by"
     " region"),
    ("modelled", "market data", "58, 81 first, prices 150-400 ms later, greeks later or never, snapshot end at 11 s"),
    ("modelled", "data types", "live, frozen, delayed, delayed-frozen; 354, 10089, 10168, 10167"),
    ("modelled", "option chain", "cross product with holes, weeklies, several classes; 200 for what does not exist"),
    ("modelled", "option prices", "SSVI surface and Black-Scholes: no arbitrage beyond the spread"),
    ("modelled", "sessions", "NYSE from a compiled calendar; futures Sunday 18:00 to Friday 17:00 with the break"),
    ("simplified", "exercise", "European everywhere; dividends are a continuous yield"),
    ("simplified", "extended hours", "stocks trade thinly from 04:00 to 20:00 New York (17:00 on early closes) with a"
     " spread of four ticks; volumes and spreads are invented; options and indices do not [IBKR docs: hours]"),
    ("simplified", "futures hours", "13:00 halt on NYSE holidays, 13:15 on early closes, three days shut"),
    ("simplified", "without a calendar", "every weekday is a session from 09:30 to 16:00"),
    ("simplified", "bid, ask, last computations", "implied volatility to first order around the model; with their"
     " price, else once a second [unverified]"),
    ("simplified", "open interest of futures", "tick 86 comes for generic tick 588 and also for 101"),
    ("simplified", "message rate", "how TWS counts its second is unknown: strict one-second buckets; a breach rejects,"
     " the third disconnects [ib_insync#35]; --rate queue: messages wait, whose default in TWS is not known"),
    ("simplified", "historical bars", "sampled from the streaming prices; BID_ASK as documented; bars begin in 2005;"
     " useRTH 0 has a stock's extended hours [IBKR docs]"),
    ("modelled", "bars kept up to date, real-time bars", "90 every five seconds, 50 equal to the historical bars of"
     " 5 secs; a real-time bar takes a line and counts in the 60 of ten minutes [IBKR docs]"),
    ("modelled", "historical pacing", "60 in ten minutes, 6 in two seconds, 15 s, BID_ASK twice, for bars to 30 s; 50"
     " open at once, head timestamps until cancelled [IBKR docs, backtrader#110]; refused ones are not counted"
     " [unverified]"),
    ("simplified", "pacing of larger bars", "six at once, then three a second; TWS only says that it slows down"
     " [IBKR docs]; scanners are not counted [unverified]"),
    ("simplified", "volatility bars", "30 days, implied at the money from the option surface, historical from closes;"
     " volume, average and count -1 [unverified]"),
    ("simplified", "scanner", "26 scan codes and 17 filters, with TWS's names, over 57 stocks, the indices and the"
     " futures; the metrics follow the simulated market, market capitalisation is invented; 10 at once (322), 50 rows,"
     " again every 30 s [IBKR docs, public logs]; an unknown filter's error is [unverified]"),
    ("modelled", "halts", "tick 49 (0, 1, 2), quotes and trades stand still, options of the halted stock too, bars are"
     " flat and empty [IBKR docs: tick types]; no auction at the resumption"),
    ("simplified", "implied volatility of single stocks", "a multiple of the market's with a mood of its own"),
    ("simplified", "replay of the shared format", "recorded fields exact; sizes 0, last-trade times, underlying prices"
     " not recorded: the underlying's quote is derived by put-call parity"),
    ("simplified", "replay of a lake", "recorded fields exact, gaps as recorded, an empty bid or ask is -1; a row lasts"
     " its five minutes; last size and time are not recorded; bars stay synthetic"),
    ("modelled", "order messages", "their sequence, steps skipped and repeated, execDetails before Filled, commission"
     " after it, 10349, 2109, 399 in three lines [recordings of 2021 to 2026, IBKR docs]"),
    ("modelled", "order types", "MKT, LMT, STP, STP LMT, TRAIL, TRAIL LIMIT, MIT, LIT, MTL, REL, MOC, LOC, OPG; DAY,"
     " GTC, GTD, IOC, FOK; goodAfterTime, conditions, all or none; others refused with 321 or 387 [recordings]"),
    ("modelled", "brackets and OCA", "held untransmitted orders (ApiCancelled), child and trigger in whyHeld, cascade"
     " of every cancel, reduction of types 2 and 3, implicit group of children, 135 after a refused parent"
     " [recordings]"),
    ("modelled", "refusals of orders", "103, 104, 105, 109, 110, 111, 113, 135, 161, 200, 201, 202, 321, 329, 383, 387,"
     " 391, 399, 403, 434, 436, 451, 463, 10147, 10148, 10149, 10268 [recordings, reports, IBKR's table]"),
    ("modelled", "a restart of TWS", "orders in flight are lost, their ids given out again [Lean.IB#242]"),
    ("modelled", "client 0 and master client", "binding with orderBound and ids below 0, other clients' orders seen,"
     " 10147 for them [IBKR docs, recordings]"),
    ("simplified", "fills", "displayed size once, then a tick worse a look; queue by price and traded volume; no hidden"
     " size, no icebergs, no odd lots; our orders move no price"),
    ("simplified", "the close and the opening", "MOC, LOC and OPG fill as a whole at the one price of the close or"
     " the opening"),
    ("simplified", "margins", "Reg-T-like percentages of each position on its own; working orders take none; short"
     " options 15 % of the strike; a bracket's children are not checked"),
    ("simplified", "commissions", "0.005 a share (least 1, most 1 %), 0.65 an option (least 1), 2.25 a future; no fees"
     " of exchanges or regulators"),
    ("simplified", "price bands", "3 % through the market ends an order with 202 [two recordings: 3.1 %]; options have"
     " none; size 500 and value 100,000 of the presets are reports of 2022 to 2026"),
    ("simplified", "algorithms", "known names are worked as the plain order, unknown ones get 439"),
    ("simplified", "expiry", "options become their intrinsic value in cash, futures their last price; no assignment"),
    ("simplified", "what TWS computes into an order", "the limit it shows with a plain stop stays unset; no price"
     " capping (2161, mktCapPrice)"),
    ("absent", "combinations, scale, hedge and adjustable orders, PEG types, advisors' allocations, overnight trading",
     "refused with 200, 387 or 436"),
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
    ("modelled", "recording and comparing", "record hides accounts, names, references, ids and amounts by the clients'"
     " layouts, unknown messages by shape; verify compares counts, order and forms of fields, never values"),
    ("simplified", "comparing", "server versions 157 to 178 only (protobuf is passed on unread); contracts we do not"
     " have are not compared; how long answers take is not compared"),
)  # fmt: skip


def about() -> str:
    lines = ["Simulated TWS: what a rehearsal on it is worth", ""]
    lines += [f"{level:<11} {what}: {how}" for level, what, how in FIDELITY]
    return "\n".join(lines)
