// A small promise layer over @stoqey/ib's events: what came for a request, until its end or its error.

import { EventName, IBApi } from "@stoqey/ib";

export const SECONDS = 20;

export const sleep = (seconds) => new Promise((resolve) => setTimeout(resolve, seconds * 1000));

export class Client {
  constructor(host, port, clientId) {
    this.api = new IBApi({ host, port, clientId });
    this.errors = []; // {id, code}
    this.complaints = []; // messages that the library could not read, or not to their ends
    this.statuses = new Map();
    this.permIds = new Map();
    this.fills = new Map();
    this.commissions = new Map();
    this.connected = false;
    this.nextId = undefined;
    this.lastRequest = 1_000_000;
    this.listen();
  }

  listen() {
    const { api } = this;
    api.on(EventName.error, (error, code, id) => {
      this.errors.push({ id, code });
      if (/^(Decoding|Underrun) error/.test(error.message)) this.complaints.push(error.message);
    });
    api.on(EventName.info, (text, code) => this.errors.push({ id: -1, code })); // what TWS says about no request
    api.on(EventName.nextValidId, (id) => {
      this.nextId = id;
      this.connected = true;
    });
    api.on(EventName.managedAccounts, (accounts) => (this.accounts = accounts.split(",")));
    api.on(EventName.disconnected, () => (this.connected = false));
    api.on(EventName.openOrder, (id, contract, order) => this.permIds.set(id, order.permId));
    api.on(EventName.orderStatus, (id, status, filled, remaining, average) => {
      this.statuses.set(id, [...(this.statuses.get(id) ?? []), { status, filled, remaining, average }]);
    });
    api.on(EventName.execDetails, (request, contract, execution) => {
      if (!this.fills.has(execution.orderId)) this.fills.set(execution.orderId, new Map());
      this.fills.get(execution.orderId).set(execution.execId, execution);
    });
    api.on(EventName.commissionReport, (report) => this.commissions.set(report.execId, report));
  }

  // The promise ends when the API is ready: nextValidId has come.
  async start(seconds = 5) {
    this.nextId = undefined;
    this.api.connect();
    await this.until(() => this.nextId !== undefined, "nextValidId", seconds);
  }

  request() {
    return ++this.lastRequest;
  }

  orderId(count = 1) {
    this.nextId += count;
    return this.nextId - count;
  }

  async until(condition, what, seconds = SECONDS) {
    const end = Date.now() + seconds * 1000;
    while (!condition()) {
      if (Date.now() > end) throw new Error(`timeout: ${what}`);
      await sleep(0.01);
    }
  }

  codesOf(id) {
    return this.errors.filter((error) => error.id === id).map((error) => error.code);
  }

  // Rows that `pick` makes of `row` events until `end` (a predicate or an event's name), or an error with the id.
  async rows({ id, ask, row, pick, end }) {
    const found = [];
    let ended = false;
    const note = (...values) => {
      if (id !== undefined && values[0] !== id) return;
      if (typeof end === "function" && end(...values)) ended = true;
      else found.push(pick(...values));
    };
    const close = (...values) => {
      if (id === undefined || values[0] === id) ended = true;
    };
    this.api.on(row, note);
    if (typeof end === "string") this.api.on(end, close);
    ask();
    try {
      await this.until(() => ended || (id !== undefined && this.codesOf(id).length > 0), row);
    } finally {
      this.api.off(row, note);
      if (typeof end === "string") this.api.off(end, close);
    }
    return found;
  }
}

export function withoutRepeats(statuses) {
  return statuses.filter((each, place) => place === 0 || statuses[place - 1] !== each);
}
