// The steps on @stoqey/ib: `node on_stoqey.mjs HOST PORT CLIENT_ID`. One JSON object a line on standard output,
// the same as the Python programs' (program.py).

import { BarSizeSetting, EventName, IBApiTickType, MarketDataType, OrderAction, OrderType, ScanCode, SecType, TimeInForce, WhatToShow } from "@stoqey/ib";
import { Client, sleep, withoutRepeats } from "./client.mjs";

const SPY = 756733;
const NO_SUCH_SYMBOL = "ZZZZ";
const ATTEMPTS = 60;
const [HOST, PORT, CLIENT_ID] = [process.argv[2], Number(process.argv[3]), Number(process.argv[4])];
const client = new Client(HOST, PORT, CLIENT_ID);
const { api } = client;
const stock = (symbol) => ({ symbol, secType: SecType.STK, exchange: "SMART", currency: "USD" });
const cents = (price) => Math.round(price * 100) / 100;
let spy, options, bid, ask; // what one step leaves to the next

const say = (what) => process.stdout.write(JSON.stringify(what) + "\n");

const timeOf = (each) =>
  each.rows({ ask: () => each.api.reqCurrentTime(), row: EventName.currentTime, pick: (time) => time, end: EventName.currentTime });

const positionsOf = (each) =>
  each.rows({
    ask: () => each.api.reqPositions(),
    row: EventName.position,
    pick: (account, c, quantity, cost) => [account, c.conId, c.symbol, c.secType, quantity, cost],
    end: EventName.positionEnd,
  });

async function connect() {
  await client.start(10);
  const [time] = await timeOf(client);
  return { version: api.serverVersion, accounts: client.accounts, next_id: client.nextId, time };
}

async function two_clients() {
  const second = new Client(HOST, PORT, CLIENT_ID + 1);
  await second.start();
  const times = [(await timeOf(client))[0], (await timeOf(second))[0]];
  const positions = (await positionsOf(second)).length;
  second.api.disconnect();
  return { times, positions };
}

async function client_id_in_use() {
  const second = new Client(HOST, PORT, CLIENT_ID);
  try {
    await second.start(1);
  } catch {
    return { codes: second.errors.map((error) => error.code), connected: false };
  } finally {
    second.api.disconnect();
  }
  return { codes: second.errors.map((error) => error.code), connected: true };
}

const positions = () => positionsOf(client);

async function portfolio() {
  const values = {};
  const keep = (tag, value, currency) => {
    if (currency === "USD" || !currency) values[tag] = value;
  };
  api.on(EventName.updateAccountValue, keep);
  const rows = await client.rows({
    ask: () => api.reqAccountUpdates(true, client.accounts[0]),
    row: EventName.updatePortfolio,
    pick: (c, quantity, price, value, cost, unrealized) => [c.conId, quantity, price, value, cost, unrealized],
    end: EventName.accountDownloadEnd,
  });
  api.reqAccountUpdates(false, client.accounts[0]);
  const id = client.request();
  const summary = await client.rows({
    id,
    ask: () => api.reqAccountSummary(id, "All", "AccountType,NetLiquidation,TotalCashValue,BuyingPower"),
    row: EventName.accountSummary,
    pick: (_, account, tag, value) => [tag, value],
    end: EventName.accountSummaryEnd,
  });
  return { rows, values, summary: Object.fromEntries(summary) };
}

async function details(contract) {
  const id = client.request();
  const found = await client.rows({
    id,
    ask: () => api.reqContractDetails(id, contract),
    row: EventName.contractDetails,
    pick: (_, each) => each,
    end: EventName.contractDetailsEnd,
  });
  return { found, codes: client.codesOf(id) };
}

async function contract_details() {
  const [one] = (await details(stock("SPY"))).found;
  spy = one.contract;
  const nothing = await details(stock(NO_SUCH_SYMBOL));
  return {
    con_id: spy.conId,
    primary_exchange: spy.primaryExch,
    min_tick: one.minTick,
    long_name: one.longName,
    time_zone: one.timeZoneId,
    liquid_hours: one.liquidHours,
    exchanges: one.validExchanges.split(","),
    nonsense: { found: nothing.found.length, codes: nothing.codes },
  };
}

async function chain() {
  const id = client.request();
  const rows = await client.rows({
    id,
    ask: () => api.reqSecDefOptParams(id, "SPY", "", SecType.STK, SPY),
    row: EventName.securityDefinitionOptionParameter,
    pick: (_, exchange, under, tradingClass, multiplier, expiries, strikes) => ({ exchange, tradingClass, expiries, strikes }),
    end: EventName.securityDefinitionOptionParameterEnd,
  });
  const row = rows.find((each) => each.exchange === "SMART" && each.tradingClass === "SPY");
  const expiries = [...row.expiries].sort();
  const strikes = [...row.strikes].sort((a, b) => a - b);
  const spec = { ...stock("SPY"), secType: SecType.OPT, lastTradeDateOrContractMonth: expiries[5] };
  const { found } = await details({ ...spec, tradingClass: "SPY" });
  options = found.map(({ contract }) => [contract.conId, contract.strike, contract.right]);
  const real = new Set(options.map(([, strike]) => strike));
  const hole = strikes.find((strike) => !real.has(strike));
  const nothing = await details({ ...spec, strike: hole, right: "C" });
  return {
    exchanges: new Set(rows.map((each) => each.exchange)).size,
    classes: [...new Set(rows.map((each) => each.tradingClass))].sort(),
    expiries,
    strikes,
    expiry: expiries[5],
    contracts: options,
    hole: { strike: hole, found: nothing.found.length, codes: nothing.codes },
  };
}

async function ticks() {
  const seen = new Map(); // request -> tick type -> value
  const greeks = new Map();
  const types = new Map();
  const keep = (id, type, value) => seen.get(id)?.set(type, value);
  api.on(EventName.tickPrice, keep);
  api.on(EventName.tickSize, keep);
  api.on(EventName.marketDataType, (id, type) => types.set(id, type));
  api.on(EventName.tickOptionComputation, (id, type, _, volatility, delta, price, dividend, gamma, vega, theta, underlying) => {
    if (type === IBApiTickType.MODEL_OPTION && delta !== undefined)
      greeks.set(id, { volatility, delta, price, gamma, vega, theta, underlying });
  });
  const stream = (contract, generic) => {
    const id = client.request();
    seen.set(id, new Map());
    api.reqMktData(id, contract, generic, false, false);
    return id;
  };
  const has = (id, type) => (seen.get(id).get(type) ?? 0) > 0;
  const T = IBApiTickType;
  api.reqMarketDataType(MarketDataType.REALTIME);
  const id = stream(spy, "");
  const names = { bid: T.BID, ask: T.ASK, last: T.LAST, close: T.CLOSE, volume: T.VOLUME, bidSize: T.BID_SIZE, askSize: T.ASK_SIZE };
  await client.until(() => Object.values(names).every((type) => has(id, type)), "the stock's ticks");
  const stockRow = Object.fromEntries(Object.entries(names).map(([name, type]) => [name, seen.get(id).get(type)]));
  ({ bid, ask } = stockRow);
  const distance = (option) => Math.abs(option[1] - stockRow.last);
  const nearest = options.reduce((best, each) => (distance(each) < distance(best) ? each : best))[1];
  const rows = [];
  const requests = options
    .filter(([, strike]) => strike === nearest)
    .map((option) => ({ option, id: stream({ conId: option[0], exchange: "SMART" }, "100,101,106") }));
  for (const { option, id: request } of requests) {
    const interest = option[2] === "C" ? T.OPTION_CALL_OPEN_INTEREST : T.OPTION_PUT_OPEN_INTEREST;
    await client.until(() => greeks.has(request) && has(request, T.BID) && has(request, T.ASK), "greeks");
    await client.until(() => has(request, interest), "open interest");
    const [con_id, strike, right] = option;
    const value = (type) => seen.get(request).get(type);
    rows.push({ con_id, strike, right, bid: value(T.BID), ask: value(T.ASK), open_interest: value(interest), ...greeks.get(request) });
  }
  for (const request of seen.keys()) api.cancelMktData(request);
  return { stock: stockRow, market_data_type: types.get(id), options: rows };
}

async function bars(duration, size, format) {
  const id = client.request();
  return client.rows({
    id,
    ask: () => api.reqHistoricalData(id, spy, "", duration, size, WhatToShow.TRADES, 1, format, false),
    row: EventName.historicalData,
    pick: (_, time, open, high, low, close, volume) => [time, open, high, low, close, volume],
    end: (_, time) => time.startsWith("finished"),
  });
}

async function history() {
  const five = await bars("1 D", BarSizeSetting.MINUTES_FIVE, 2);
  return { bars: five.map(([time, ...rest]) => [Number(time), ...rest]), days: await bars("5 D", BarSizeSetting.DAYS_ONE, 1) };
}

async function scanner() {
  let xml = "";
  api.once(EventName.scannerParameters, (text) => (xml = text));
  api.reqScannerParameters();
  await client.until(() => xml, "scanner parameters");
  const id = client.request();
  const scan = { instrument: "STK", locationCode: "STK.US.MAJOR", scanCode: ScanCode.TOP_PERC_GAIN, numberOfRows: 5 };
  const rows = await client.rows({
    id,
    ask: () => api.reqScannerSubscription(id, scan),
    row: EventName.scannerData,
    pick: (_, rank, { contract }) => [rank, contract.conId, contract.symbol],
    end: EventName.scannerDataEnd,
  });
  api.cancelScannerSubscription(id);
  return { parameters: { start: xml.slice(0, 5), scan: xml.includes("TOP_PERC_GAIN") }, rows, codes: client.codesOf(id) };
}

// orders

const limit = (action, lmtPrice, more = {}) => ({
  action,
  orderType: OrderType.LMT,
  totalQuantity: 10,
  lmtPrice: cents(lmtPrice),
  tif: TimeInForce.DAY,
  transmit: true,
  ...more,
});

const status = (id) => client.statuses.get(id)?.at(-1).status;
const done = (id) => ["Filled", "Cancelled", "ApiCancelled", "Inactive"].includes(status(id));
const executions = (id) => [...(client.fills.get(id)?.values() ?? [])];
const filledAndPaid = (id) =>
  status(id) === "Filled" &&
  executions(id).reduce((sum, each) => sum + each.shares, 0) === 10 &&
  executions(id).every((each) => client.commissions.has(each.execId));

function told(id) {
  const { filled, remaining, average } = client.statuses.get(id).at(-1);
  const reports = executions(id).map((each) => client.commissions.get(each.execId));
  return {
    statuses: withoutRepeats(client.statuses.get(id).map((each) => each.status)),
    codes: client.codesOf(id),
    filled,
    remaining,
    average_price: average,
    order_id: id,
    perm_id: client.permIds.get(id),
    executions: executions(id).map((each) => [each.execId, each.shares, each.price, each.side, each.orderId]),
    commissions: reports.map((each) => [each.execId, each.commission, each.currency]),
  };
}

const quantity = async () => (await positions()).filter((row) => row[1] === SPY).reduce((sum, row) => sum + row[4], 0);

async function order() {
  const before = await quantity();
  const id = client.orderId();
  const instruction = limit(OrderAction.BUY, ask + 2);
  api.placeOrder(id, spy, instruction);
  await client.until(() => filledAndPaid(id), "fill and commission");
  return { limit: instruction.lmtPrice, before, after: await quantity(), order: told(id) };
}

// A price between two ticks.
async function rejection() {
  const id = client.orderId();
  api.placeOrder(id, spy, { ...limit(OrderAction.BUY, 100), lmtPrice: 100.1234 });
  await client.until(() => client.codesOf(id).length > 0, "a refusal");
  return { codes: client.codesOf(id) };
}

function placeBracket(entry, profit, stop) {
  const id = client.orderId(3);
  const stopOrder = { action: OrderAction.SELL, orderType: OrderType.STP, totalQuantity: 10, auxPrice: cents(stop), tif: TimeInForce.DAY };
  api.placeOrder(id, spy, limit(OrderAction.BUY, entry, { transmit: false }));
  api.placeOrder(id + 1, spy, limit(OrderAction.SELL, profit, { transmit: false, parentId: id }));
  api.placeOrder(id + 2, spy, { ...stopOrder, parentId: id, transmit: true });
  return [id, id + 1, id + 2];
}

// The entry fills, the take profit is moved to where it fills, and the stop goes.
async function bracket() {
  const [entry, profit, stop] = placeBracket(ask + 2, ask * 1.2, bid * 0.8);
  await client.until(() => filledAndPaid(entry), "the entry's fill");
  await client.until(() => status(profit) === "Submitted", "the take profit at work");
  const working = [entry, profit, stop].map(status);
  api.placeOrder(profit, spy, limit(OrderAction.SELL, bid - 2, { parentId: entry }));
  await client.until(() => filledAndPaid(profit) && done(stop), "the take profit's fill and the stop's end");
  return { working, entry: told(entry), profit: told(profit), stop: told(stop) };
}

// The entry is cancelled before it fills, and its children go.
async function bracket_cancelled() {
  const ids = placeBracket(bid * 0.8, ask * 1.2, bid * 0.7);
  await client.until(() => status(ids[0]) === "Submitted", "the entry at work");
  api.cancelOrder(ids[0]);
  await client.until(() => ids.every(done), "the end of all three");
  return ids.map(told);
}

async function cancel() {
  const id = client.orderId();
  api.placeOrder(id, spy, limit(OrderAction.SELL, ask * 1.2));
  await client.until(() => status(id) === "Submitted", "the order at work");
  api.cancelOrder(id);
  await client.until(() => done(id) && client.codesOf(id).length > 0, "the cancel");
  return told(id);
}

// How many attempts it took.
async function connectAgain() {
  for (let attempt = 1; attempt < ATTEMPTS; attempt++) {
    try {
      await client.start(2);
      return attempt;
    } catch {
      api.disconnect();
      await sleep(0.5);
    }
  }
  throw new Error("the gateway did not come back");
}

// One order stays in the book; then the gateway goes away and comes back.
async function restart() {
  const resting = client.orderId();
  api.placeOrder(resting, spy, limit(OrderAction.BUY, bid * 0.8, { tif: TimeInForce.GTC }));
  await client.until(() => status(resting) === "Submitted", "the order at work");
  const before = await positions();
  say({ ask: { do: "restart", refused_seconds: 1, mute_seconds: 0.5, farm_seconds: 0.5 } });
  await client.until(() => !client.connected, "the connection's end");
  const attempts = await connectAgain();
  const open = await client.rows({
    ask: () => api.reqAllOpenOrders(),
    row: EventName.openOrder,
    pick: (_, contract, order, state) => [order.permId, state.status],
    end: EventName.openOrderEnd,
  });
  api.cancelOrder(resting);
  await client.until(() => done(resting), "the cancel");
  const id = client.request();
  client.commissions.clear();
  const made = await client.rows({
    id,
    ask: () => api.reqExecutions(id, {}),
    row: EventName.execDetails,
    pick: (_, contract, execution) => execution.execId,
    end: EventName.execDetailsEnd,
  });
  await client.until(() => made.every((each) => client.commissions.has(each)), "commissions again");
  const executions = made.map((each) => [each, client.commissions.get(each).currency]);
  const after = await positions();
  return { attempts, before, after, resting: client.permIds.get(resting), open, cancelled: status(resting), executions };
}

const undecoded = async () => client.complaints;

const STEPS = [
  connect, two_clients, client_id_in_use, positions, portfolio, contract_details, chain, ticks, history, scanner,
  order, rejection, bracket, bracket_cancelled, cancel, restart, undecoded,
];

for (const step of STEPS) {
  const began = Date.now();
  try {
    const result = await step();
    say({ step: step.name, result, seconds: (Date.now() - began) / 1000 });
  } catch (error) {
    say({ step: step.name, error: error.stack });
  }
}
api.disconnect();
