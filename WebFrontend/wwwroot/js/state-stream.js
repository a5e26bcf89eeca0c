import { problemOf, shareAcrossTabs } from "../lib/sse.js";
import { streamApi } from "./text.js";

const AGAIN = 3_000; // milliseconds until a read that failed is tried again
const PATIENCE = 15_000; // a server that holds a request and says nothing is as good as none
const CONTROL = ["connected", "resync", "skipped"];

/**
 * A state, read once and kept by its stream, without a gap between: changes that come while it is read wait, and those that the read has
 * seen already (its `X-Sse-Position`) are left out. The tabs of this browser share one connection.
 */
export class StateStream {
  #on;
  #stream;
  #waiting = []; // changes, while the state is read; undefined afterwards
  #reading = false;
  #again;

  /** `on.read()` reads, shows and returns the position; `on.change(message)` applies; `on.state(state)` and `on.trouble(error?)` are told. */
  constructor(path, on) {
    this.#on = on;
    this.#stream = shareAcrossTabs(`${streamApi}${path}`);
    this.#stream.on("*", (message) => this.#hear(message));
    this.#stream.onState((state) => {
      on.state(state);
      if (state.state === "open" && this.#waiting) this.#read();
    });
  }

  reconnect() {
    this.#stream.reconnect();
  }

  #hear(message) {
    if (message.type === "resync") { // what lies between is lost to the stream
      this.#waiting = [];
      this.#read();
    } else if (CONTROL.includes(message.type)) return;
    else if (this.#waiting) this.#waiting.push(message);
    else this.#on.change(message);
  }

  async #read() {
    if (this.#reading) return;
    this.#reading = true;
    clearTimeout(this.#again);
    try {
      const position = await this.#on.read();
      this.#on.trouble();
      const waited = this.#waiting ?? [];
      this.#waiting = undefined;
      for (const message of waited) if (isAfter(message.id, position)) this.#on.change(message);
    } catch (error) {
      this.#on.trouble(error);
      this.#again = setTimeout(() => this.#read(), AGAIN);
    } finally {
      this.#reading = false;
    }
  }
}

/** A GET of StreamApi: `{ body, position, next }`, or an error that says what it objects to. */
export async function readState(path) {
  const response = await fetch(`${streamApi}${path}`, { cache: "no-store", signal: AbortSignal.timeout(PATIENCE) });
  if (!response.ok) throw new Error((await problemOf(response)).message);
  const next = /<([^>]+)>;\s*rel="next"/.exec(response.headers.get("Link") ?? "")?.[1];
  return { body: await response.json(), position: response.headers.get("X-Sse-Position"), next };
}

/** A request that changes something: its answer's JSON, or an error with what StreamApi objects to (`errors`, by field). */
export async function send(method, path, body) {
  const response = await fetch(`${streamApi}${path}`, {
    method, signal: AbortSignal.timeout(PATIENCE),
    ...(body === undefined ? {} : { headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) }),
  });
  if (response.ok) return response.json();
  const { message, errors } = await problemOf(response);
  throw Object.assign(new Error(message), { errors, status: response.status });
}

/** What to say of a request that failed. */
export const reasonOf = (error, text) => (error instanceof TypeError || error.name === "TimeoutError" ? text("stream.unreachable", { url: streamApi }) : error.message);

// <epoch>-<position>: of another epoch means later than anything that was read.
function isAfter(id, position) {
  const [epoch, at] = split(id);
  const [readEpoch, readAt] = split(position ?? "");
  return epoch !== readEpoch || at > readAt;
}

function split(id) {
  const dash = id.lastIndexOf("-");
  return [id.slice(0, dash), /^\d+$/.test(id.slice(dash + 1)) ? BigInt(id.slice(dash + 1)) : 0n];
}
