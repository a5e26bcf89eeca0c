import { eventRow } from "./event-row.js";

// Shows the newest events, drawn once per animation frame: a burst costs one layout and builds only visible rows.

const ROWS = 150; // 13 nodes each: fewer than 2,000 in total

export class EventList {
  #rows;
  #empty;
  #text;
  #waiting = []; // not drawn yet, newest last
  #dropped = 0;
  #drawing = false;
  paused = false;
  onchange = () => {};

  constructor(rows, empty, text) {
    [this.#rows, this.#empty, this.#text] = [rows, empty, text];
  }

  get waiting() {
    return this.#waiting.length + this.#dropped;
  }

  add(event) {
    this.#waiting.push(event);
    if (this.#waiting.length > ROWS) {
      this.#waiting.shift();
      this.#dropped++;
    }
    this.#schedule();
  }

  setPaused(paused) {
    this.paused = paused;
    this.#schedule();
    this.onchange();
  }

  clear() {
    this.#waiting = [];
    this.#dropped = 0;
    this.#rows.replaceChildren();
    this.#empty.hidden = false;
    this.onchange();
  }

  #schedule() {
    if (this.#drawing) return;
    this.#drawing = true;
    requestAnimationFrame(() => {
      this.#drawing = false;
      if (this.paused) this.onchange();
      else this.#draw();
    });
  }

  #draw() {
    if (this.#waiting.length === 0) return;
    const fresh = document.createDocumentFragment();
    for (const event of this.#waiting.reverse()) fresh.append(eventRow(event, this.#text));
    this.#waiting = [];
    this.#dropped = 0;
    this.#rows.prepend(fresh);
    while (this.#rows.childElementCount > ROWS) this.#rows.lastElementChild.remove();
    this.#empty.hidden = true;
  }
}
