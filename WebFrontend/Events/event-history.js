import { eventRow } from "./event-row.js";
import { count } from "../Shared/numbers.js";
import { readPage, reasonOf } from "../Shared/requests.js";

const PAGE = 50;
const element = (id) => document.getElementById(id);

/** Reads one page of stored events: `{ resync?, events, next, head }`. Throws an error with StreamApi's reason. */
export async function readHistory(query, after, limit) {
  const page = new URLSearchParams(query);
  page.set("limit", limit);
  if (after) page.set("after", after);
  return (await readPage(`/v1/events?${page}`)).body;
}

/** The stored events that match the filter, page by page from the oldest. `query()` returns the filter. */
export class EventHistory {
  #query;
  #text;
  #next;
  #asked = 0;

  constructor(query, text) {
    this.#query = query;
    this.#text = text;
    element("history-first").addEventListener("click", () => this.open());
    element("history-next").addEventListener("click", () => this.#read(this.#next));
  }

  open() {
    this.#read(undefined);
  }

  async #read(after) {
    const asked = ++this.#asked;
    element("history-said").textContent = this.#text("reading");
    element("history-next").disabled = true;

    try {
      const { events, next, head } = await readHistory(this.#query(), after, PAGE);
      if (asked !== this.#asked) return; // a newer request replaces this one

      element("history-rows").replaceChildren(...events.map((event) => eventRow(event, this.#text)));
      element("history-said").textContent =
        events.length > 0 ? this.#text("page", { count: count(events.length), head }) : this.#text("noHistory");
      this.#next = next;
      element("history-next").disabled = next === null;
    } catch (error) {
      if (asked !== this.#asked) return;
      element("history-said").textContent = this.#text("notRead", { reason: reasonOf(error, this.#text) });
      element("history-next").disabled = !this.#next;
    }
  }
}
