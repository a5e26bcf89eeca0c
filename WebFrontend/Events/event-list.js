import { eventRow } from "./event-row.js";

// Shows the newest events, drawn once per animation frame: a burst costs one layout and builds only visible rows.

const ROWS = 150; // 13 nodes each: fewer than 2,000 in total
const SLOWS = 0.75; // of the distance remains after each frame
const still = matchMedia("(prefers-reduced-motion: reduce)");

export class EventList {
  #rows;
  #empty;
  #text;
  #waiting = []; // not drawn yet, newest last
  #dropped = 0;
  #drawing = false;
  #offset = 0; // pixels of the rows from their place
  paused = false;
  onchange = () => {};

  constructor(rows, empty, text) {
    this.#rows = rows;
    this.#empty = empty;
    this.#text = text;
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
      else this.#frame();
    });
  }

  // New rows push the others down over some frames, because text that jumps is hard to read. Those that arrive
  // meanwhile wait for the end of it.
  #frame() {
    if (this.#offset === 0 && this.#waiting.length > 0) this.#offset = -this.#draw();
    else this.#offset = this.#offset < -1 && !still.matches ? this.#offset * SLOWS : 0;
    this.#rows.style.transform = this.#offset === 0 ? "" : `translateY(${this.#offset}px)`;
    if (this.#offset !== 0 || this.#waiting.length > 0) this.#schedule();
  }

  // Returns the height by which the new rows have moved the others.
  #draw() {
    const fresh = document.createDocumentFragment();
    for (const event of this.#waiting.reverse()) fresh.append(eventRow(event, this.#text));
    this.#waiting = [];
    this.#dropped = 0;
    const first = this.#rows.firstElementChild;
    this.#rows.prepend(fresh);
    while (this.#rows.childElementCount > ROWS) this.#rows.lastElementChild.remove();
    this.#empty.hidden = true;
    const isInSight = this.#rows.parentElement.getBoundingClientRect().top >= 0; // else the browser keeps the place
    return first?.isConnected && isInSight ? first.offsetTop - this.#rows.firstElementChild.offsetTop : 0;
  }
}
