import { shareStream } from "./streams.js";
import { streamApi } from "./text.js";

const RETRY_DELAY = 3_000; // milliseconds before a failed read is repeated
const CONTROL = ["connected", "resync", "skipped"];

/**
 * Joins a state and its change stream without a gap: changes that arrive during the read wait, and those at or before
 * the read's `X-Sse-Position` are skipped. The tabs of this browser share one connection.
 */
export class StateStream {
  #url;
  #on;
  #stream;
  #waiting; // changes that wait for the read; undefined after it
  #reading = false;
  #stale = false; // true if the running read may be older than the stream
  #again;

  /**
   * `on.read()` shows the state and returns its position; `on.change(message)` applies a change;
   * `on.error(error?)` shows or clears an error.
   */
  constructor(path, on) {
    this.#url = `${streamApi}${path}`;
    this.#on = on;
    this.#open();
  }

  /** Skips the wait before the next attempt. Opens a new stream if this one was closed. */
  reconnect() {
    if (this.#stream.state.state === "closed") this.#open();
    else this.#stream.reconnect();
  }

  #open() {
    this.#waiting = [];
    const stream = (this.#stream = shareStream(this.#url));
    stream.on("*", (message) => stream === this.#stream && this.#receive(message));
    let fresh = true;
    stream.onState((state) => {
      if (stream !== this.#stream) return;
      this.#on.state(state);
      if (state.state !== "open" || !(fresh || this.#waiting)) return;
      fresh = false;
      this.#waiting ??= [];
      this.#readAgain();
    });
  }

  #receive(message) {
    if (message.type === "resync") {
      // The stream has a gap.
      this.#waiting = [];
      this.#readAgain();
    } else if (CONTROL.includes(message.type)) return;
    else if (this.#waiting) this.#waiting.push(message);
    else this.#on.change(message);
  }

  // A read that is running may have been answered before the gap, so another one follows it.
  #readAgain() {
    this.#stale = true;
    this.#read();
  }

  async #read() {
    if (this.#reading) return;
    this.#reading = true;
    clearTimeout(this.#again);
    try {
      let position;
      do {
        this.#stale = false;
        position = await this.#on.read();
      } while (this.#stale);
      this.#on.error();
      const waited = this.#waiting ?? [];
      this.#waiting = undefined;
      for (const message of waited) if (isAfter(message.id, position)) this.#on.change(message);
    } catch (error) {
      this.#waiting = []; // the next read contains them
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
