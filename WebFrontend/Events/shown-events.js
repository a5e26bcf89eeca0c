// Remembers the shown events across a reload: the page shows the last ones again, and none twice.
import { tabStorage } from "../Shared/storage.js";

const EVENTS = 100; // shown again after a reload
const KNOWN = 5_000; // ids kept to recognise duplicates
const KEY = "events shown";

export class ShownEvents {
  #positions = [];
  #ids = new Set();
  #scheduled;

  constructor(query) {
    this.query = query;

    try {
      const kept = JSON.parse(tabStorage.get(KEY));
      if (kept?.query === query) this.after = kept.after;
    } catch {
      /* written by an older version of this page */
    }
  }

  /** Position to continue after: of the last shown event, or of the first one to show again after a reload. */
  get position() {
    return this.#positions.at(-1)?.[1] ?? this.after;
  }

  /** Starts at the position of the next stream. */
  forgetPosition() {
    this.#positions = [];
    this.#ids.clear();
    this.after = undefined;
  }

  /** Returns false if the event was shown before. */
  add({ id, position }) {
    if (this.#ids.has(id)) return false;

    this.#ids.add(id);
    this.#positions.push([id, position]);
    if (this.#positions.length > KNOWN) this.#ids.delete(this.#positions.shift()[0]);
    this.#keep();

    return true;
  }

  /** Sets the position before the first event. */
  start(id) {
    this.after ??= id;
    this.#keep();
  }

  clear() {
    this.after = this.position;
    this.#positions = [];
    this.#ids.clear();
    this.#keep();
  }

  #keep() {
    this.#scheduled ??= setTimeout(() => this.write(), 200);
  }

  write() {
    clearTimeout(this.#scheduled);
    this.#scheduled = undefined;
    const after = this.#positions.length > EVENTS ? this.#positions.at(-EVENTS - 1)[1] : this.after;
    if (after) tabStorage.set(KEY, JSON.stringify({ query: this.query, after }));
  }
}
