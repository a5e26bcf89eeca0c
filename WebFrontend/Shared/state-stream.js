import { shareStream } from "./streams.js";
import { streamApi } from "./text.js";

const AGAIN = 3_000; // milliseconds until a read that failed is tried again
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
    this.#stream = shareStream(`${streamApi}${path}`);
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
    if (message.type === "resync") {
      // what lies between is lost to the stream
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
