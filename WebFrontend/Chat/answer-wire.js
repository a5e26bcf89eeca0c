import { browserStorage } from "../Shared/storage.js";
import { onHidden } from "../Shared/streams.js";
import { streamApi } from "../Shared/text.js";
import { WireLog } from "../Shared/wire-log.js";

const DIALECT = "chat dialect";

// Where a dialect's client reads an answer. After a place that the client knows it goes on there, else from the start.
const DIALECTS = {
  own: { address: (id) => `generations/${id}/stream`, place: /^id: ?(.+)/, header: "Last-Event-ID" },
  responses: {
    address: (id, after) => `responses/resp_${id}?stream=true${after ? `&starting_after=${after}` : ""}`,
    place: /"sequence_number": ?(\d+)/,
  },
  "ui-messages": { address: (id) => `generations/${id}/stream?format=ui-messages` },
  "ag-ui": { address: (id) => `generations/${id}/stream?format=ag-ui` },
};

/** Shows the lines of an answer's stream in the dialect that one picks, and goes on after a cut as its client does. */
export class AnswerWire {
  #place;
  #select;
  #pause;
  #log;
  #answer;
  #reading = new AbortController();

  /** A cut lasts `pause` milliseconds. */
  constructor(place, select, pause) {
    this.#place = place;
    this.#select = select;
    this.#pause = pause;
    this.#log = new WireLog(place);

    select.value = browserStorage.get(DIALECT) ?? "";
    select.addEventListener("change", () => {
      browserStorage.set(DIALECT, select.value);
      this.#restart();
    });

    onHidden((hidden) => (hidden ? this.#reading.abort() : this.#restart()));
  }

  /** Shows this answer, unless it is shown already. */
  show(answer) {
    if (answer === this.#answer) return;
    this.#answer = answer;
    this.#restart();
  }

  cut() {
    if (this.#dialect) this.#log.cut();
  }

  get #dialect() {
    return DIALECTS[this.#select.value];
  }

  #restart() {
    this.#reading.abort();
    this.#log.clear();
    this.#place.hidden = !this.#dialect || !this.#answer;
    if (this.#place.hidden) return;

    this.#reading = new AbortController();
    this.#read(this.#dialect, this.#answer, this.#reading.signal);
  }

  async #read({ address, place, header }, answer, signal) {
    let after;
    const fetched = this.#log.fetch((line) => (after = place?.exec(line)?.[1] ?? after));
    while (!signal.aborted) {
      const isWhole = await read(fetched, `${streamApi}/v1/${address(encodeURIComponent(answer.id), after)}`, {
        headers: header && after ? { [header]: after } : {},
        signal,
      });

      await new Promise((resolve) => setTimeout(resolve, this.#pause));
      if (isWhole && answer.ended) return;
    }
  }
}

// Reads a body to its end, and returns false if it was cut or the server could not answer.
async function read(fetched, url, request) {
  try {
    const response = await fetched(url, request);
    await response.body?.pipeTo(new WritableStream());
    return response.status < 500;
  } catch {
    return false;
  }
}
