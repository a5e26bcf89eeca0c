// The newest events, drawn once a frame however many arrive: a burst costs one layout, and what nobody could see is never built.

const ROWS = 150; // 13 nodes each: under 2,000 together

export class EventList {
  #rows;
  #empty;
  #text;
  #waiting = []; // newest last, not drawn yet
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
    for (const event of this.#waiting.reverse()) fresh.append(this.#row(event));
    this.#waiting = [];
    this.#dropped = 0;
    this.#rows.prepend(fresh);
    while (this.#rows.childElementCount > ROWS) this.#rows.lastElementChild.remove();
    this.#empty.hidden = true;
  }

  #row(event) {
    const row = document.createElement("li");
    const details = document.createElement("details");
    const summary = document.createElement("summary");
    const json = JSON.stringify(event.data);
    summary.append(
      cell("time", time.format(new Date(event.time)), "at"), cell("b", event.topic, "topic"), cell("span", event.type, "type"),
      cell("span", this.#text("latency", { ms: event.latency }), "latency"), cell("code", json.length > 200 ? `${json.slice(0, 200)}…` : json, "data"));
    details.append(summary);
    // The whole envelope only when somebody opens it, and gone when closed.
    details.addEventListener("toggle", () => {
      if (!details.open) return summary.nextSibling?.remove();
      const { latency, ...envelope } = event;
      details.append(cell("pre", JSON.stringify(envelope, null, 2), "envelope"));
    });
    row.append(details);
    return row;
  }
}

const time = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit", fractionalSecondDigits: 3 });

function cell(name, content, style) {
  const made = document.createElement(name);
  made.textContent = content; // never markup: data is anybody's
  made.className = style;
  return made;
}
