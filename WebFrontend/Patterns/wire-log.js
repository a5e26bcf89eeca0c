const LINES = 90;

/** The bytes of a stream as they come, line by line, beside the client that reads them; and a way to cut it off. */
export class Wire {
  #place;
  #cut = new AbortController();
  /** Whether the current frame has an id: what comes before the first frame belongs to the connection. */
  inFrame = false;

  constructor(place) {
    this.#place = place;
  }

  /** A `fetch` for the client; `heard(line)` is told every line that is not empty. */
  fetch(heard) {
    return async (url, options) => {
      this.#cut = new AbortController();
      const after = new Headers(options.headers).get("Last-Event-ID");
      this.#say(`> GET ${new URL(url).pathname}`, "sent");
      if (after) this.#say(`> Last-Event-ID: ${after}`, "sent");
      const response = await fetch(url, { ...options, signal: AbortSignal.any([options.signal, this.#cut.signal]) });
      this.#say(`< ${response.status}`, response.ok ? "sent" : "bad");
      if (response.status !== 200) return response; // no stream: a problem, or 204
      const [decoder, encoder] = [new TextDecoder(), new TextEncoder()];
      let rest = "";
      this.inFrame = false;
      // Frame by frame, and the client has each before the next is looked at: both see the same order.
      const tap = new TransformStream({
        transform: async (bytes, passed) => {
          const frames = (rest + decoder.decode(bytes, { stream: true })).split(/(?<=\n\n)/);
          rest = frames.at(-1).endsWith("\n\n") ? "" : frames.pop();
          for (const frame of frames) {
            passed.enqueue(encoder.encode(frame));
            for (const line of frame.split("\n")) this.#line(line, heard);
            await turn();
          }
        },
        flush: (passed) => passed.enqueue(encoder.encode(rest)),
      });
      return new Response(response.body.pipeThrough(tap), response);
    };
  }

  /** As a network would do it: without a word. */
  cut() {
    this.#say("✂", "bad");
    this.#cut.abort(new DOMException("cut", "NetworkError"));
  }

  #line(line, heard) {
    if (line === "") this.inFrame = false;
    else {
      if (line.startsWith("id:")) this.inFrame = true;
      heard(line);
      this.#say(
        line,
        line.startsWith("retry:")
          ? "retry"
          : line.startsWith("event: error")
            ? "bad"
            : line.startsWith("data:")
              ? "data"
              : "",
      );
    }
  }

  #say(line, style) {
    const row = document.createElement("span");
    row.textContent = `${line}\n`;
    row.className = style;
    const follow = this.#place.scrollHeight - this.#place.scrollTop - this.#place.clientHeight < 40;
    this.#place.append(row);
    while (this.#place.childElementCount > LINES) this.#place.firstElementChild.remove();
    if (follow) this.#place.scrollTop = this.#place.scrollHeight;
  }
}

// Whatever waits to be done is done first. A timer would be held back in a hidden tab.
function turn() {
  const { port1, port2 } = new MessageChannel();
  return new Promise((resolve) => {
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(undefined);
  });
}
