"""The steps on IB's own ibapi 9.81.1: `on_ibapi.py HOST PORT CLIENT_ID`."""

import time

from ibapi.contract import Contract
from ibapi.execution import ExecutionFilter
from ibapi.scanner import ScannerSubscription
from ibapi_client import Client, bracket_orders, limit_order, option, stock
from program import NO_SUCH_SYMBOL, SPY, ask, near_the_money, place, run, without_repeats

HOST, PORT, CLIENT_ID = place()
ATTEMPTS = 60
STOCK_TICKS = ("BID", "ASK", "LAST", "CLOSE", "VOLUME", "BID_SIZE", "ASK_SIZE")
app = Client()
found = {}  # what one step leaves to the next


def connect():
    app.start(HOST, PORT, CLIENT_ID)
    app.reqCurrentTime()
    app.until(lambda: app.now, "currentTime")
    return {"version": app.serverVersion(), "accounts": app.accounts, "next_id": app.next_id, "time": app.now}


def two_clients():
    second = Client()
    second.start(HOST, PORT, CLIENT_ID + 1)
    for each in (app, second):
        each.now = None
        each.reqCurrentTime()
        each.until(lambda each=each: each.now, "currentTime")
    second.reqPositions()
    second.until(lambda: ("positions", 0) in second.ended, "positions")
    second.disconnect()
    return {"times": [app.now, second.now], "positions": len(second.rows["positions", 0])}


def client_id_in_use():
    second = Client()
    try:
        second.start(HOST, PORT, CLIENT_ID)
    except ConnectionError:
        return {"codes": [code for _, code in second.errors], "connected": False}
    return {"codes": [code for _, code in second.errors], "connected": True}


def positions():
    """Every position once: a subscription, cancelled at its end."""
    app.rows.pop(("positions", 0), None)
    app.ended = [each for each in app.ended if each != ("positions", 0)]
    app.reqPositions()
    app.until(lambda: ("positions", 0) in app.ended, "positions")
    app.cancelPositions()
    return list(app.rows["positions", 0])


def portfolio():
    app.reqAccountUpdates(True, app.accounts[0])
    app.until(lambda: ("portfolio", 0) in app.ended, "accountDownloadEnd")
    app.reqAccountUpdates(False, app.accounts[0])
    tags = "AccountType,NetLiquidation,TotalCashValue,BuyingPower"
    summary, _ = app.rows_of("summary", app.reqAccountSummary, "All", tags)
    return {"rows": list(app.rows["portfolio", 0]), "values": dict(app.values), "summary": dict(summary)}


def contract_details():
    (details,), _ = app.rows_of("details", app.reqContractDetails, stock("SPY"))
    found["spy"] = details.contract
    nothing, codes = app.rows_of("details", app.reqContractDetails, stock(NO_SUCH_SYMBOL))
    return {
        "con_id": details.contract.conId,
        "primary_exchange": details.contract.primaryExchange,
        "min_tick": details.minTick,
        "long_name": details.longName,
        "time_zone": details.timeZoneId,
        "liquid_hours": details.liquidHours,
        "exchanges": details.validExchanges.split(","),
        "nonsense": {"found": len(nothing), "codes": codes},
    }


def chain():
    rows, _ = app.rows_of("chain", app.reqSecDefOptParams, "SPY", "", "STK", SPY)
    _, _, expiries, strikes = next(row for row in rows if row[:2] == ("SMART", "SPY"))
    expiry = sorted(expiries)[5]
    details, _ = app.rows_of("details", app.reqContractDetails, option(expiry, trading_class="SPY"))
    found["options"] = [(d.contract.conId, d.contract.strike, d.contract.right) for d in details]
    real = {strike for _, strike, _ in found["options"]}
    hole = next(strike for strike in sorted(strikes) if strike not in real)
    nothing, codes = app.rows_of("details", app.reqContractDetails, option(expiry, hole, "C"))
    return {
        "exchanges": len({row[0] for row in rows}),
        "classes": {row[1] for row in rows},
        "expiries": sorted(expiries),
        "strikes": sorted(strikes),
        "expiry": expiry,
        "contracts": found["options"],
        "hole": {"strike": hole, "found": len(nothing), "codes": codes},
    }


def stream(contract, generic=""):
    request = app.request()
    app.reqMktData(request, contract, generic, False, False, [])
    return request


def by_id(con_id):
    contract = Contract()
    contract.conId, contract.exchange = con_id, "SMART"
    return contract


def open_interest(each, request):
    return app.ticks[request].get("OPTION_CALL_OPEN_INTEREST" if each[2] == "C" else "OPTION_PUT_OPEN_INTEREST", 0)


def ticks():
    spy = stream(found["spy"])
    app.until(lambda: all(app.ticks[spy].get(name, 0) > 0 for name in STOCK_TICKS), "the stock's ticks")
    seen = dict(app.ticks[spy])
    found["bid"], found["ask"] = seen["BID"], seen["ASK"]
    requests = {each: stream(by_id(each[0]), "100,101,106") for each in near_the_money(found["options"], seen["LAST"])}
    for each, request in requests.items():
        app.until(lambda request=request: app.greeks[request] and app.ticks[request].get("ASK", 0) > 0, "greeks")
        app.until(lambda each=each, request=request: open_interest(each, request) > 0, "open interest")
    rows = [
        {
            "con_id": each[0], "strike": each[1], "right": each[2], "bid": app.ticks[request]["BID"],
            "ask": app.ticks[request]["ASK"], "open_interest": open_interest(each, request), **app.greeks[request],
        }
        for each, request in requests.items()
    ]  # fmt: skip
    for request in (spy, *requests.values()):
        app.cancelMktData(request)
    names = {"BID_SIZE": "bidSize", "ASK_SIZE": "askSize"}
    stock_row = {names.get(name, name.lower()): seen[name] for name in STOCK_TICKS}
    return {"stock": stock_row, "market_data_type": seen["MARKET_DATA_TYPE"], "options": rows}


def history():
    bars, _ = app.rows_of(
        "bars", app.reqHistoricalData, found["spy"], "", "1 D", "5 mins", "TRADES", 1, 2, False, []
    )  # fmt: skip
    days, _ = app.rows_of(
        "bars", app.reqHistoricalData, found["spy"], "", "5 D", "1 day", "TRADES", 1, 1, False, []
    )  # fmt: skip
    return {"bars": [(float(row[0]), *row[1:]) for row in bars], "days": days}


def scanner():
    app.reqScannerParameters()
    app.until(lambda: app.rows["parameters", 0], "scanner parameters")
    xml = app.rows["parameters", 0][0]
    scan = ScannerSubscription()
    scan.instrument, scan.locationCode, scan.scanCode, scan.numberOfRows = "STK", "STK.US.MAJOR", "TOP_PERC_GAIN", 5
    rows, codes = app.rows_of("scan", app.reqScannerSubscription, scan, [], [])
    return {"parameters": {"start": xml[:5], "scan": "TOP_PERC_GAIN" in xml}, "rows": rows, "codes": codes}


# orders


def send(order):
    app.placeOrder(order.orderId, found["spy"], order)
    return order.orderId


def new_limit(action, price):
    order = limit_order(action, 10, price)
    order.orderId = app.order_id()
    return order


def status(order_id):
    return app.statuses[order_id][-1][0] if app.statuses[order_id] else ""


def done(order_id):
    return status(order_id) in ("Filled", "Cancelled", "ApiCancelled", "Inactive")


def filled_and_paid(order_id):
    return status(order_id) == "Filled" and sum(e.shares for e in app.fills[order_id].values()) == 10 and all(
        exec_id in app.commissions for exec_id in app.fills[order_id]
    )  # fmt: skip


def told(order_id):
    _, filled, remaining, average = app.statuses[order_id][-1]
    executions = app.fills[order_id].values()
    reports = [app.commissions[e.execId] for e in executions]
    return {
        "statuses": without_repeats([row[0] for row in app.statuses[order_id]]),
        "codes": app.codes_of(order_id),
        "filled": filled,
        "remaining": remaining,
        "average_price": average,
        "order_id": order_id,
        "perm_id": app.perm_ids[order_id],
        "executions": [(e.execId, e.shares, e.price, e.side, e.orderId) for e in executions],
        "commissions": [(c.execId, c.commission, c.currency) for c in reports],
    }


def quantity():
    return sum(row[4] for row in positions() if row[1] == SPY)


def order():
    before = quantity()
    instruction = new_limit("BUY", found["ask"] + 2)
    order_id = send(instruction)
    app.until(lambda: filled_and_paid(order_id), "fill and commission")
    return {"limit": instruction.lmtPrice, "before": before, "after": quantity(), "order": told(order_id)}


def rejection():
    """A price between two ticks."""
    instruction = new_limit("BUY", 0)
    instruction.lmtPrice = 100.1234
    order_id = send(instruction)
    app.until(lambda: app.codes_of(order_id), "a refusal")
    return {"codes": app.codes_of(order_id)}


def send_bracket(entry, profit, stop):
    orders = bracket_orders(app.order_id(3), entry, profit, stop)
    return orders, [send(each) for each in orders]


def bracket():
    """The entry fills, the take profit is moved to where it fills, and the stop goes."""
    orders, (entry, profit, stop) = send_bracket(found["ask"] + 2, found["ask"] * 1.2, found["bid"] * 0.8)
    app.until(lambda: filled_and_paid(entry), "the entry's fill")
    app.until(lambda: status(profit) == "Submitted", "the take profit at work")
    working = [status(each) for each in (entry, profit, stop)]
    orders[1].lmtPrice, orders[1].transmit = round(found["bid"] - 2, 2), True
    send(orders[1])
    app.until(lambda: filled_and_paid(profit) and done(stop), "the take profit's fill and the stop's end")
    return {"working": working, "entry": told(entry), "profit": told(profit), "stop": told(stop)}


def bracket_cancelled():
    """The entry is cancelled before it fills, and its children go."""
    _, ids = send_bracket(found["bid"] * 0.8, found["ask"] * 1.2, found["bid"] * 0.7)
    app.until(lambda: status(ids[0]) == "Submitted", "the entry at work")
    app.cancelOrder(ids[0])
    app.until(lambda: all(map(done, ids)), "the end of all three")
    return [told(each) for each in ids]


def cancel():
    order_id = send(new_limit("SELL", found["ask"] * 1.2))
    app.until(lambda: status(order_id) == "Submitted", "the order at work")
    app.cancelOrder(order_id)
    app.until(lambda: done(order_id) and app.codes_of(order_id), "the cancel")
    return told(order_id)


def restart():
    """One order stays in the book; then the gateway goes away and comes back."""
    instruction = new_limit("BUY", found["bid"] * 0.8)
    instruction.tif = "GTC"
    resting = send(instruction)
    app.until(lambda: status(resting) == "Submitted", "the order at work")
    before = positions()
    ask("restart", refused_seconds=1, mute_seconds=0.5, farm_seconds=0.5)
    app.until(app.closed, "the connection's end")
    attempts = connect_again()
    app.rows.pop(("open", 0), None)
    app.reqAllOpenOrders()
    app.until(lambda: ("open", 0) in app.ended, "open orders")
    found_again = list(app.rows["open", 0])
    app.cancelOrder(resting)
    app.until(lambda: done(resting), "the cancel")
    app.commissions.clear()
    executions, _ = app.rows_of("executions", app.reqExecutions, ExecutionFilter())
    app.until(lambda: all(each in app.commissions for each in executions), "commissions again")
    return {
        "attempts": attempts,
        "before": before,
        "after": positions(),
        "resting": app.perm_ids[resting],
        "open": found_again,
        "cancelled": status(resting),
        "executions": [(each, app.commissions[each].currency) for each in executions],
    }


def undecoded():
    return app.complaints


def connect_again():
    """How many attempts it took."""
    for attempt in range(1, ATTEMPTS):
        try:
            app.start(HOST, PORT, CLIENT_ID)
        except (ConnectionError, TimeoutError):
            app.disconnect()
            time.sleep(0.5)
        else:
            return attempt
    raise TimeoutError("the gateway did not come back")


run([
    connect, two_clients, client_id_in_use, positions, portfolio, contract_details, chain, ticks, history, scanner,
    order, rejection, bracket, bracket_cancelled, cancel, restart, undecoded,
])  # fmt: skip
app.disconnect()
