const LINES = 90;

// A frame ends with an empty line, a comment with its own.
const ENDS = /(?<=\n\n)|(?<=(?<![^\n]):[^\n]*\n)/;

// The style of a line by its beginning; the others have none.
const STYLES = [
  ["retry:", "retry"],
  ["event: error", "bad"],
  ["data:", "data"],
];

/** Logs a stream's lines beside the client that reads it, and can cut the connection. */
export class WireLog {
  #place;
  #cut = new AbortController();
  /** True within the first frame of a connection, whose `retry:` is the connection's own. */
  isOpening = true;

  constructor(place) {
    this.#place = place;
  }

  /** Returns a `fetch` for the client that calls `onLine(line)` for every line except empty ones. */
  fetch(onLine) {
    return async (url, options) => {
      this.#cut = new AbortController();
      const after = new Headers(options.headers).get("Last-Event-ID");
      const { pathname, search } = new URL(url);
      this.#append(`> GET ${pathname}${search}`, "sent");
      if (after) this.#append(`> Last-Event-ID: ${after}`, "sent");
      const signal = AbortSignal.any([options.signal, this.#cut.signal]);
      const response = await fetch(url, { ...options, signal });
      this.#append(`< ${response.status}`, response.ok ? "sent" : "bad");
      if (response.status !== 200) return response; // not a stream: a problem or 204

      const decoder = new TextDecoder();
      const encoder = new TextEncoder();
      let rest = "";
      this.isOpening = true;

      // Passes each frame to the client before the next is logged, so that both see the same order.
      const tap = new TransformStream({
        transform: async (bytes, passed) => {
          const frames = (rest + decoder.decode(bytes, { stream: true })).split(ENDS);
          rest = /\n\n$|(?<![^\n]):[^\n]*\n$/.test(frames.at(-1)) ? "" : frames.pop();

          for (const frame of frames) {
            if (signal.aborted) return; // the log may be another stream's by now
            passed.enqueue(encoder.encode(frame));
            for (const line of frame.replace(/\n$/, "").split("\n")) this.#line(line, onLine);
            await yieldToTasks();
          }
        },
        flush: (passed) => passed.enqueue(encoder.encode(rest)),
      });

      return new Response(response.body.pipeThrough(tap), response);
    };
  }

  /** Cuts the connection without a proper end, as a network failure does. */
  cut() {
    this.#append("✂", "bad");
    this.#cut.abort(new DOMException("cut", "NetworkError"));
  }

  /** Removes the lines of another stream. */
  clear() {
    this.#place.replaceChildren();
  }

  #line(line, onLine) {
    if (line === "") this.isOpening = false;
    else {
      onLine(line);
      this.#append(line, STYLES.find(([start]) => line.startsWith(start))?.[1] ?? "");
    }
  }

  #append(line, style) {
    const row = document.createElement("span");
    row.textContent = `${line}\n`;
    row.className = style;
    const follow = this.#place.scrollHeight - this.#place.scrollTop - this.#place.clientHeight < 40;
    this.#place.append(row);
    while (this.#place.childElementCount > LINES) this.#place.firstElementChild.remove();
    if (follow) this.#place.scrollTop = this.#place.scrollHeight;
  }
}

// Yields to pending tasks. A timer would be throttled in a hidden tab.
function yieldToTasks() {
  const { port1, port2 } = new MessageChannel();
  return new Promise((resolve) => {
    port1.onmessage = () => {
      port1.close();
      resolve();
    };

    port2.postMessage(undefined);
  });
}
