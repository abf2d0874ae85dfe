"""The steps on ib_insync and on ib_async, which have the same interface: the library is an argument."""

import asyncio
import logging
import math

from program import NO_SUCH_SYMBOL, SPY, ask, near_the_money, without_repeats

SECONDS = 20.0
ATTEMPTS = 60


def known(number):
    return number is not None and not math.isnan(number) and number > 0


def open_interest(option, ticker):
    return ticker.callOpenInterest if option[2] == "C" else ticker.putOpenInterest


def filled_and_paid(trade):
    return trade.orderStatus.status == "Filled" and all(f.commissionReport.currency for f in trade.fills)


def option_row(option, ticker):
    greeks = ticker.modelGreeks
    return {
        "con_id": option[0],
        "strike": option[1],
        "right": option[2],
        "bid": ticker.bid,
        "ask": ticker.ask,
        "open_interest": open_interest(option, ticker),
        "price": greeks.optPrice,
        "volatility": greeks.impliedVol,
        "delta": greeks.delta,
        "gamma": greeks.gamma,
        "vega": greeks.vega,
        "theta": greeks.theta,
        "underlying": greeks.undPrice,
    }


class Complaints(logging.Handler):
    """What a library's decoder could not read: it logs that, and goes on."""

    def __init__(self, library):
        super().__init__()
        self.texts = []
        logging.getLogger(f"{library.__name__}.Decoder").addHandler(self)

    def emit(self, record):
        self.texts.append(self.format(record))


class Steps:
    def __init__(self, library, host, port, client_id):
        self.api, self.host, self.port, self.client_id = library, host, port, client_id
        self.ib = library.IB()
        self.ib.RequestTimeout = SECONDS
        self.errors = []  # (id, code) in order
        self.complaints = Complaints(library)
        self.ib.errorEvent += lambda request, code, text, contract: self.errors.append((request, code))
        self.all = [
            self.connect, self.two_clients, self.client_id_in_use, self.positions, self.portfolio,
            self.contract_details, self.chain, self.ticks, self.history, self.scanner, self.order, self.rejection,
            self.bracket, self.bracket_cancelled, self.cancel, self.restart, self.undecoded,
        ]  # fmt: skip

    async def until(self, condition, what):
        """Let the library work until the condition holds. Raises TimeoutError with the condition's name."""
        for _ in range(round(SECONDS / 0.02)):
            if condition():
                return
            await asyncio.sleep(0.02)
        raise TimeoutError(what)

    def codes_of(self, request):
        return [code for each, code in self.errors if each == request]

    async def _request_codes(self, request):
        """The codes that a request's own id was given; awaiting it raises nothing, as the library is set up."""
        seen = len(self.errors)
        answer = await request
        return {"found": len(answer or []), "codes": [code for each, code in self.errors[seen:] if each > 0]}

    # connections

    async def connect(self):
        await self.ib.connectAsync(self.host, self.port, clientId=self.client_id, timeout=10)
        return {
            "version": self.ib.client.serverVersion(),
            "accounts": self.ib.managedAccounts(),
            "next_id": self.ib.client.getReqId(),
            "time": (await self.ib.reqCurrentTimeAsync()).timestamp(),
        }

    async def two_clients(self):
        second = self.api.IB()
        await second.connectAsync(self.host, self.port, clientId=self.client_id + 1, timeout=10)
        times = [(await each.reqCurrentTimeAsync()).timestamp() for each in (self.ib, second)]
        positions = len(await second.reqPositionsAsync())
        second.disconnect()
        return {"times": times, "positions": positions}

    async def client_id_in_use(self):
        """The library reports the code, and then waits for its timeout."""
        codes, second = [], self.api.IB()
        second.errorEvent += lambda request, code, text, contract: codes.append(code)
        try:
            await second.connectAsync(self.host, self.port, clientId=self.client_id, timeout=1)
        except (TimeoutError, ConnectionError):
            return {"codes": codes, "connected": False}
        return {"codes": codes, "connected": True}

    async def restart(self):
        """One order stays in the book; then the gateway goes away and comes back."""
        resting = self.place(self.api.LimitOrder("BUY", 10, round(self.bid * 0.8, 2), tif="GTC"))
        await self.until(lambda: resting.orderStatus.status == "Submitted", "the order at work")
        before = await self.positions()
        ask("restart", refused_seconds=1, mute_seconds=0.5, farm_seconds=0.5)
        await self.until(lambda: not self.ib.isConnected(), "the connection's end")
        attempts = 0
        while not self.ib.isConnected():
            attempts += 1
            if attempts > ATTEMPTS:
                raise TimeoutError("the gateway did not come back")
            try:
                await self.ib.connectAsync(self.host, self.port, clientId=self.client_id, timeout=2)
            except (OSError, TimeoutError):
                await asyncio.sleep(0.5)
        orders = [(trade.order.permId, trade.orderStatus.status) for trade in await self.ib.reqAllOpenOrdersAsync()]
        again = next(trade for trade in self.ib.openTrades() if trade.order.permId == resting.order.permId)
        self.ib.cancelOrder(again.order)
        await self.until(again.isDone, "the cancel")
        return {
            "attempts": attempts,
            "before": before,
            "after": await self.positions(),
            "resting": resting.order.permId,
            "open": orders,
            "cancelled": again.orderStatus.status,
            "executions": [(fill.execution.execId, fill.commissionReport.currency) for fill in self.ib.fills()],
        }

    async def undecoded(self):
        return self.complaints.texts

    # accounts and contracts

    async def positions(self):
        rows = await self.ib.reqPositionsAsync()
        return [
            (p.account, p.contract.conId, p.contract.symbol, p.contract.secType, p.position, p.avgCost) for p in rows
        ]

    async def portfolio(self):
        account = self.ib.managedAccounts()[0]
        rows = [
            (p.contract.conId, p.position, p.marketPrice, p.marketValue, p.averageCost, p.unrealizedPNL)
            for p in self.ib.portfolio(account)
        ]
        values = {v.tag: v.value for v in self.ib.accountValues(account) if v.currency in ("USD", "")}
        summary = {v.tag: v.value for v in await self.ib.accountSummaryAsync(account)}
        return {"rows": rows, "values": values, "summary": summary}

    async def contract_details(self):
        stock = self.api.Stock("SPY", "SMART", "USD")
        (details,) = await self.ib.reqContractDetailsAsync(stock)
        self.spy = details.contract
        nonsense = self.ib.reqContractDetailsAsync(self.api.Stock(NO_SUCH_SYMBOL, "SMART", "USD"))
        return {
            "con_id": details.contract.conId,
            "primary_exchange": details.contract.primaryExchange,
            "min_tick": details.minTick,
            "long_name": details.longName,
            "time_zone": details.timeZoneId,
            "liquid_hours": details.liquidHours,
            "exchanges": details.validExchanges.split(","),
            "nonsense": await self._request_codes(nonsense),
        }

    async def chain(self):
        rows = await self.ib.reqSecDefOptParamsAsync("SPY", "", "STK", SPY)
        row = next(each for each in rows if (each.exchange, each.tradingClass) == ("SMART", "SPY"))
        expiry = sorted(row.expirations)[5]
        spec = self.api.Option("SPY", expiry, exchange="SMART", currency="USD", tradingClass="SPY")
        details = await self.ib.reqContractDetailsAsync(spec)
        self.options = [(d.contract.conId, d.contract.strike, d.contract.right) for d in details]
        real = {strike for _, strike, _ in self.options}
        hole = next(strike for strike in sorted(row.strikes) if strike not in real)
        nothing = self.ib.reqContractDetailsAsync(self.api.Option("SPY", expiry, hole, "C", "SMART", currency="USD"))
        return {
            "exchanges": len({each.exchange for each in rows}),
            "classes": {each.tradingClass for each in rows},
            "expiries": sorted(row.expirations),
            "strikes": sorted(row.strikes),
            "expiry": expiry,
            "contracts": self.options,
            "hole": {"strike": hole} | await self._request_codes(nothing),
        }

    # market data

    async def ticks(self):
        stock = self.ib.reqMktData(self.spy)
        names = ("bid", "ask", "last", "close", "volume", "bidSize", "askSize")
        await self.until(lambda: all(known(getattr(stock, name)) for name in names), "the stock's ticks")
        self.bid, self.ask = stock.bid, stock.ask
        tickers = {
            option: self.ib.reqMktData(self.api.Contract(conId=option[0], exchange="SMART"), "100,101,106")
            for option in near_the_money(self.options, stock.marketPrice())
        }
        await self.until(
            lambda: all(t.modelGreeks and known(t.bid) and known(t.ask) for t in tickers.values()), "greeks"
        )
        await self.until(lambda: all(known(open_interest(*each)) for each in tickers.items()), "open interest")
        result = {
            "stock": {name: getattr(stock, name) for name in names},
            "market_data_type": stock.marketDataType,
            "options": [option_row(*each) for each in tickers.items()],
        }
        for ticker in (stock, *tickers.values()):
            self.ib.cancelMktData(ticker.contract)
        return result

    async def history(self):
        ask_for = self.ib.reqHistoricalDataAsync
        bars = await ask_for(self.spy, "", "1 D", "5 mins", "TRADES", useRTH=True, formatDate=2)
        days = await ask_for(self.spy, "", "5 D", "1 day", "TRADES", useRTH=True)
        return {
            "bars": [(b.date.timestamp(), b.open, b.high, b.low, b.close, b.volume) for b in bars],
            "days": [(f"{b.date:%Y%m%d}", b.open, b.high, b.low, b.close, b.volume) for b in days],
        }

    async def scanner(self):
        xml = await asyncio.wait_for(self.ib.reqScannerParametersAsync(), SECONDS)
        scan = self.api.ScannerSubscription(
            instrument="STK", locationCode="STK.US.MAJOR", scanCode="TOP_PERC_GAIN", numberOfRows=5
        )
        seen = len(self.errors)
        rows = await asyncio.wait_for(self.ib.reqScannerDataAsync(scan), SECONDS)
        return {
            "parameters": {"start": xml[:5], "scan": "TOP_PERC_GAIN" in xml},
            "rows": [(r.rank, r.contractDetails.contract.conId, r.contractDetails.contract.symbol) for r in rows],
            "codes": [code for request, code in self.errors[seen:] if request > 0],
        }

    # orders

    def place(self, order):
        return self.ib.placeOrder(self.spy, order)

    def told(self, trade):
        """What the library knows of an order: its statuses in order, its executions with their commissions."""
        executions = [fill.execution for fill in trade.fills]
        reports = [fill.commissionReport for fill in trade.fills]
        return {
            "statuses": without_repeats([entry.status for entry in trade.log]),
            "codes": self.codes_of(trade.order.orderId),
            "filled": trade.orderStatus.filled,
            "remaining": trade.orderStatus.remaining,
            "average_price": trade.orderStatus.avgFillPrice,
            "order_id": trade.order.orderId,
            "perm_id": trade.order.permId,
            "executions": [(e.execId, e.shares, e.price, e.side, e.orderId) for e in executions],
            "commissions": [(c.execId, c.commission, c.currency) for c in reports],
        }

    def bracket_around(self, entry, profit, stop):
        orders = self.ib.bracketOrder("BUY", 10, round(entry, 2), round(profit, 2), round(stop, 2), tif="DAY")
        return [self.place(order) for order in orders]

    async def quantity(self):
        return sum(row[4] for row in await self.positions() if row[1] == SPY)

    async def order(self):
        before = await self.quantity()
        trade = self.place(self.api.LimitOrder("BUY", 10, round(self.ask + 2, 2), tif="DAY"))
        await self.until(lambda: filled_and_paid(trade), "fill and commission")
        return {
            "limit": trade.order.lmtPrice,
            "before": before,
            "after": await self.quantity(),
            "order": self.told(trade),
        }

    async def rejection(self):
        """A price between two ticks. ib_insync takes 110 for a warning and goes on waiting for the order."""
        trade = self.place(self.api.LimitOrder("BUY", 10, 100.1234, tif="DAY"))
        await self.until(lambda: self.codes_of(trade.order.orderId), "a refusal")
        return {"codes": self.codes_of(trade.order.orderId)}

    async def bracket(self):
        """The entry fills, the take profit is moved to where it fills, and the stop goes."""
        entry, profit, stop = self.bracket_around(self.ask + 2, self.ask * 1.2, self.bid * 0.8)
        await self.until(lambda: filled_and_paid(entry), "the entry's fill")
        await self.until(lambda: profit.orderStatus.status == "Submitted", "the take profit at work")
        working = [trade.orderStatus.status for trade in (entry, profit, stop)]
        profit.order.lmtPrice = round(self.bid - 2, 2)
        self.place(profit.order)
        await self.until(lambda: filled_and_paid(profit) and stop.isDone(), "the take profit's fill and the stop's end")
        return {"working": working, "entry": self.told(entry), "profit": self.told(profit), "stop": self.told(stop)}

    async def bracket_cancelled(self):
        """The entry is cancelled before it fills, and its children go."""
        trades = self.bracket_around(self.bid * 0.8, self.ask * 1.2, self.bid * 0.7)
        await self.until(lambda: trades[0].orderStatus.status == "Submitted", "the entry at work")
        self.ib.cancelOrder(trades[0].order)
        await self.until(lambda: all(trade.isDone() for trade in trades), "the end of all three")
        return [self.told(trade) for trade in trades]

    async def cancel(self):
        trade = self.place(self.api.LimitOrder("SELL", 10, round(self.ask * 1.2, 2), tif="DAY"))
        await self.until(lambda: trade.orderStatus.status == "Submitted", "the order at work")
        self.ib.cancelOrder(trade.order)
        await self.until(lambda: trade.isDone() and self.codes_of(trade.order.orderId), "the cancel")
        return self.told(trade)
