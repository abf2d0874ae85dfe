// What @stoqey/ib's decoder makes of a message, or what its encoder sends: the twin of decode.py and encode.py.
//
//     node decode.mjs MODULES decode   `[version, [field, ...]]` a line -> `[[event, [argument, ...]], ...]` or a text
//     node decode.mjs MODULES encode   `[version, contract, order]` a line -> `[field, ...]`
//
// MODULES is the folder @stoqey/ib is installed in.
import { createRequire } from "node:module";
import { resolve } from "node:path";
import { createInterface } from "node:readline";

const [modules, what] = process.argv.slice(2);
const load = createRequire(resolve(modules, "x.js"));
const { Decoder } = load("@stoqey/ib/dist/core/io/decoder.js");
const { Encoder } = load("@stoqey/ib/dist/core/io/encoder.js");

function decode(version, fields) {
  const calls = [];
  let complaint;
  const decoder = new Decoder({
    serverVersion: version,
    emitEvent: (name, ...values) => calls.push([name, values]),
    emitInfo: (text, code) => calls.push(["info", [text, code]]),
    // the decoder reports what it cannot read as it reports the server's errors, but without a request
    emitError: (text, code, request) =>
      request === undefined || request === -1 ? (complaint = text) : calls.push(["error", [request, code, text]]),
  });
  decoder.enqueueMessage(fields);
  decoder.process();
  return complaint ?? calls;
}

function encode(version, contract, order) {
  let sent;
  const encoder = new Encoder({
    serverVersion: version,
    sendMsg: (tokens) => (sent = tokens),
    emitError: (text) => { throw new Error(text); },
  });
  encoder.placeOrder(77, contract, order);
  return sent.flat(Infinity).map((value) =>
    value === undefined || value === null ? "" : value === true ? "1" : value === false ? "0" : String(value));
}

// JSON knows no Map, and a name without a value would vanish
const shown = (_, value) => (value instanceof Map ? Object.fromEntries(value) : value === undefined ? null : value);
for await (const line of createInterface({ input: process.stdin })) {
  let answer;
  try {
    answer = what === "decode" ? decode(...JSON.parse(line)) : encode(...JSON.parse(line));
  } catch (error) {
    answer = String(error);
  }
  console.log(JSON.stringify(answer, shown));
}
