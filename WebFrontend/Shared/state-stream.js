import { shareStream } from "./streams.js";
import { streamApi } from "./text.js";

const RETRY_DELAY = 3_000; // milliseconds before a failed read is repeated
const CONTROL = ["connected", "resync", "skipped"];

/**
 * Joins a state and its change stream without a gap: changes that arrive during the read wait, and those at or before
 * the read's `X-Sse-Position` are skipped. The tabs of this browser share one connection.
 */
export class StateStream {
  #on;
  #stream;
  #waiting = []; // changes that wait for the read; undefined after it
  #reading = false;
  #again;

  /**
   * `on.read()` shows the state and returns its position; `on.change(message)` applies a change;
   * `on.error(error?)` shows or clears an error.
   */
  constructor(path, on) {
    this.#on = on;
    this.#stream = shareStream(`${streamApi}${path}`);
    this.#stream.on("*", (message) => this.#receive(message));
    this.#stream.onState((state) => {
      on.state(state);
      if (state.state === "open" && this.#waiting) this.#read();
    });
  }

  reconnect() {
    this.#stream.reconnect();
  }

  #receive(message) {
    if (message.type === "resync") {
      // The stream has a gap: read the state again.
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
      this.#on.error();
      const waited = this.#waiting ?? [];
      this.#waiting = undefined;
      for (const message of waited) if (isAfter(message.id, position)) this.#on.change(message);
    } catch (error) {
      this.#on.error(error);
      this.#again = setTimeout(() => this.#read(), RETRY_DELAY);
    } finally {
      this.#reading = false;
    }
  }
}

// <epoch>-<position>: another epoch is later than the read.
function isAfter(id, position) {
  const [epoch, at] = split(id);
  const [readEpoch, readAt] = split(position ?? "");
  return epoch !== readEpoch || at > readAt;
}

function split(id) {
  const dash = id.lastIndexOf("-");
  return [id.slice(0, dash), /^\d+$/.test(id.slice(dash + 1)) ? BigInt(id.slice(dash + 1)) : 0n];
}
