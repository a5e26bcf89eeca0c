import { isAfter } from "./positions.js";
import { isFinal, retryDelay } from "./requests.js";
import { onHidden, shareStream } from "./streams.js";
import { streamApi } from "./text.js";

const RETRY_DELAY = 3_000; // milliseconds before a failed read is repeated
const FINAL_DELAY = 60_000; // the same after a refusal that a repetition does not change
const LONG = 60_000; // milliseconds of absence after which reading the state costs less than replaying its changes
const CONTROL = ["connected", "resync", "skipped"];

/**
 * Joins a state and its change stream, which all tabs share, without a gap: changes that arrive during the read wait,
 * and those at or before the read's `X-Sse-Position` are skipped, however late a replica delivers them. After a long
 * absence it reads the state again.
 */
export class StateStream {
  #url;
  #on;
  #stream;
  #waiting; // changes that wait for the read; undefined after it
  #position; // of the last read
  #reading = false;
  #stale = false; // true if the running read may be older than the stream
  #again;
  #awaySince; // time at which the stream was lost or the tab hidden

  /**
   * `on.read()` shows the state and returns its position; `on.change(message)` applies a change;
   * `on.error(error?)` shows or clears an error.
   */
  constructor(path, on) {
    this.#url = `${streamApi}${path}`;
    this.#on = on;
    // Registered before the stream's own listener, so that a stream to be replaced does not reconnect first.
    let hiddenSince;
    onHidden((hidden) => {
      if (hidden) hiddenSince = Date.now();
      else if (isLong(hiddenSince) && this.#stream.state.state !== "closed") this.#open();
    });
    this.#open();
  }

  /** Skips the wait before the next attempt. Opens a new stream if this one was closed. */
  reconnect() {
    if (this.#stream.state.state === "closed") this.#open();
    else this.#stream.reconnect();
  }

  #open() {
    const before = this.#stream;
    this.#stream = undefined;
    before?.close();
    this.#awaySince = undefined;
    this.#waiting = [];
    const stream = (this.#stream = shareStream(this.#url));
    stream.on("*", (message) => stream === this.#stream && this.#receive(message));
    let fresh = true;
    stream.onState((state) => {
      if (stream !== this.#stream) return;
      this.#on.state(state);
      const away = this.#awaySince;
      this.#awaySince = state.state === "open" ? undefined : (away ?? Date.now());
      if (state.state === "open" && !fresh && isLong(away)) return this.#open();
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
    else this.#apply(message);
  }

  // The replica of the stream may lag behind the one that answered the read.
  #apply(message) {
    if (isAfter(message.id, this.#position)) this.#on.change(message);
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
      this.#position = position;
      this.#on.error();
      const waited = this.#waiting ?? [];
      this.#waiting = undefined;
      for (const message of waited) this.#apply(message);
    } catch (error) {
      this.#waiting = []; // the next read contains them
      this.#on.error(error);
      const delay = isFinal(error.status) ? FINAL_DELAY : retryDelay(error, RETRY_DELAY);
      this.#again = setTimeout(() => this.#read(), delay);
    } finally {
      this.#reading = false;
    }
  }
}

const isLong = (since) => since !== undefined && Date.now() - since > LONG;
