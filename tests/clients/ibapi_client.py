"""A client as IB's own samples are built: EWrapper's methods note what came, EClient asks, a thread reads."""

import threading
from collections import defaultdict

from ibapi.client import EClient
from ibapi.contract import Contract
from ibapi.errors import BAD_LENGTH, BAD_MESSAGE
from ibapi.order import Order
from ibapi.ticktype import TickTypeEnum
from ibapi.wrapper import EWrapper

SECONDS = 20.0
MODEL = 13  # tick type of the model's option computation


def stock(symbol):
    contract = Contract()
    contract.symbol, contract.secType, contract.exchange, contract.currency = symbol, "STK", "SMART", "USD"
    return contract


def option(expiry, strike=0.0, right="", trading_class=""):
    contract = stock("SPY")
    contract.secType, contract.lastTradeDateOrContractMonth = "OPT", expiry
    contract.strike, contract.right, contract.tradingClass = strike, right, trading_class
    return contract


def limit_order(action, quantity, price):
    order = Order()
    order.action, order.totalQuantity, order.orderType, order.tif = action, quantity, "LMT", "DAY"
    order.lmtPrice = round(price, 2)
    order.eTradeOnly = order.firmQuoteOnly = False  # TWS 10 refuses the defaults of ibapi 9.81 (10268, 10269)
    return order


def bracket_orders(entry_id, entry, profit, stop):
    """IB's documented bracket: only the last order is transmitted, and it takes the other two along."""
    orders = [limit_order("BUY", 10, entry), limit_order("SELL", 10, profit), limit_order("SELL", 10, 0)]
    orders[2].orderType, orders[2].auxPrice = "STP", round(stop, 2)
    orders[2].lmtPrice = Order().lmtPrice
    for place, each in enumerate(orders):
        each.orderId, each.parentId = entry_id + place, entry_id if place else 0
        each.transmit = place == 2
    return orders


class Client(EWrapper, EClient):
    def __init__(self):
        EClient.__init__(self, wrapper=self)
        self._changed = threading.Condition()
        self.ended, self.errors = [], []  # what has ended, by name and id; (id, code)
        self.complaints = []  # messages that the library could not read
        self.rows = defaultdict(list)  # what came for a request, by name and id
        self.ticks, self.greeks = defaultdict(dict), defaultdict(dict)
        self.statuses, self.fills, self.commissions = defaultdict(list), defaultdict(dict), {}
        self.perm_ids, self.values = {}, {}
        self.next_id, self.accounts, self.now = None, [], None
        self._last_request = 1_000_000

    # asking and waiting

    def start(self, host, port, client_id):
        """Connect and read in a thread. Raises ConnectionError; the library itself waits for ever for a mute TWS."""
        self.next_id, self.ended = None, []
        watchdog = threading.Timer(2, lambda: self.conn and self.conn.disconnect())
        watchdog.start()
        self.connect(host, port, client_id)
        watchdog.cancel()
        if not self.isConnected():
            raise ConnectionError("not connected")
        threading.Thread(target=self.run, daemon=True).start()
        self.until(lambda: self.next_id is not None or self.closed(), "nextValidId", 5)
        if self.next_id is None:
            raise ConnectionError("ended")

    def closed(self):
        """Whether the connection has ended and everything that came before its end has been read."""
        return ("connection", 0) in self.ended

    def request(self):
        self._last_request += 1
        return self._last_request

    def order_id(self, count=1):
        self.next_id += count
        return self.next_id - count

    def until(self, condition, what, seconds=SECONDS):
        """Raises TimeoutError with the condition's name."""
        with self._changed:
            if not self._changed.wait_for(condition, seconds):
                raise TimeoutError(what)

    def rows_of(self, name, ask, *arguments):
        """What one request brings until its end, or until an error with its id."""
        request = self.request()
        ask(request, *arguments)
        self.until(lambda: (name, request) in self.ended or self.codes_of(request), name)
        return self.rows[name, request], self.codes_of(request)

    def codes_of(self, request):
        return [code for each, code in self.errors if each == request]

    def _note(self, action):
        with self._changed:
            action()
            self._changed.notify_all()

    def _row(self, name, request, row):
        self._note(lambda: self.rows[name, request].append(row))

    def _end(self, name, request):
        self._note(lambda: self.ended.append((name, request)))

    # what EWrapper is told of the connection

    def error(self, request, code, text):
        self._note(lambda: self.errors.append((request, code)))
        if code in (BAD_LENGTH.code(), BAD_MESSAGE.code()):
            self.complaints.append(text)

    def nextValidId(self, order_id):
        self._note(lambda: setattr(self, "next_id", order_id))

    def managedAccounts(self, accounts):
        self.accounts = accounts.split(",")

    def currentTime(self, seconds):
        self._note(lambda: setattr(self, "now", seconds))

    def connectionClosed(self):
        self._end("connection", 0)

    # what EWrapper is told of accounts and contracts

    def position(self, account, contract, quantity, cost):
        self._row("positions", 0, (account, contract.conId, contract.symbol, contract.secType, quantity, cost))

    def positionEnd(self):
        self._end("positions", 0)

    def updatePortfolio(self, contract, quantity, price, value, cost, unrealized, realized, account):
        self._row("portfolio", 0, (contract.conId, quantity, price, value, cost, unrealized))

    def updateAccountValue(self, tag, value, currency, account):
        if currency in ("USD", ""):
            self.values[tag] = value

    def accountDownloadEnd(self, account):
        self._end("portfolio", 0)

    def accountSummary(self, request, account, tag, value, currency):
        self._row("summary", request, (tag, value))

    def accountSummaryEnd(self, request):
        self._end("summary", request)

    def contractDetails(self, request, details):
        self._row("details", request, details)

    def contractDetailsEnd(self, request):
        self._end("details", request)

    def securityDefinitionOptionParameter(self, request, exchange, under, trading_class, multiplier, expiries, strikes):
        self._row("chain", request, (exchange, trading_class, expiries, strikes))

    def securityDefinitionOptionParameterEnd(self, request):
        self._end("chain", request)

    # what EWrapper is told of the market

    def marketDataType(self, request, kind):
        self.ticks[request]["MARKET_DATA_TYPE"] = kind

    def tickPrice(self, request, kind, price, attributes):
        self._note(lambda: self.ticks[request].update({TickTypeEnum.to_str(kind): price}))

    def tickSize(self, request, kind, size):
        self._note(lambda: self.ticks[request].update({TickTypeEnum.to_str(kind): size}))

    def tickOptionComputation(
        self, request, kind, _, volatility, delta, price, dividend, gamma, vega, theta, underlying
    ):
        if kind == MODEL and delta is not None:
            names = ("volatility", "delta", "price", "gamma", "vega", "theta", "underlying")
            values = (volatility, delta, price, gamma, vega, theta, underlying)
            self._note(lambda: self.greeks[request].update(zip(names, values, strict=True)))

    def historicalData(self, request, bar):
        self._row("bars", request, (bar.date, bar.open, bar.high, bar.low, bar.close, bar.volume))

    def historicalDataEnd(self, request, start, end):
        self._end("bars", request)

    def scannerParameters(self, xml):
        self._row("parameters", 0, xml)

    def scannerData(self, request, rank, details, distance, benchmark, projection, legs):
        self._row("scan", request, (rank, details.contract.conId, details.contract.symbol))

    def scannerDataEnd(self, request):
        self._end("scan", request)

    # what EWrapper is told of orders

    def openOrder(self, order_id, contract, order, state):
        self._note(lambda: self.perm_ids.update({order_id: order.permId}))
        self._row("open", 0, (order.permId, state.status))

    def openOrderEnd(self):
        self._end("open", 0)

    def orderStatus(self, order_id, status, filled, remaining, average, perm_id, *_):
        self._note(lambda: self.statuses[order_id].append((status, filled, remaining, average)))

    def execDetails(self, request, contract, execution):
        self._row("executions", request, execution.execId)
        self._note(lambda: self.fills[execution.orderId].update({execution.execId: execution}))

    def execDetailsEnd(self, request):
        self._end("executions", request)

    def commissionReport(self, report):
        self._note(lambda: self.commissions.update({report.execId: report}))
