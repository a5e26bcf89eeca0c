// Which events this page has shown, for the page that is loaded again: it goes on some events before, and shows none twice.

const EVENTS = 100; // that a reloaded page shows again
const KNOWN = 5_000; // that are recognised
const KEY = "events shown";

export class Remembered {
  #positions = [];
  #ids = new Set();
  #scheduled;

  constructor(query) {
    this.query = query;
    try {
      const kept = JSON.parse(sessionStorage.getItem(KEY));
      if (kept?.query === query) this.after = kept.after;
    } catch {
      /* kept by an older page */
    }
  }

  /** False where it was shown before. */
  add({ id, position }) {
    if (this.#ids.has(id)) return false;
    this.#ids.add(id);
    this.#positions.push([id, position]);
    if (this.#positions.length > KNOWN) this.#ids.delete(this.#positions.shift()[0]);
    this.#keep();
    return true;
  }

  /** Where the page began, before its first event. */
  start(id) {
    this.after ??= id;
    this.#keep();
  }

  clear() {
    this.after = this.#positions.at(-1)?.[1] ?? this.after;
    this.#positions = [];
    this.#keep();
  }

  #keep() {
    this.#scheduled ??= setTimeout(() => this.write(), 200);
  }

  write() {
    clearTimeout(this.#scheduled);
    this.#scheduled = undefined;
    const after = this.#positions.length > EVENTS ? this.#positions.at(-EVENTS - 1)[1] : this.after;
    if (after) sessionStorage.setItem(KEY, JSON.stringify({ query: this.query, after }));
  }
}
