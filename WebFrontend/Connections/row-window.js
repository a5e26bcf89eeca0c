// A virtual list: keeps as many row elements as fit the region and moves them as it scrolls.

const BEYOND = 6; // rows above and below the visible ones

export class RowWindow {
  #region;
  #body;
  #make;
  #asking;
  #rows = [];
  #height = 0;
  #from = 0;
  #shownFrom = 0;
  #count = 0;
  #scheduled = false;

  /**
   * `region` scrolls; `body` has the height of all rows; `make()` returns `{ element, show(row, index) }`;
   * `ask(from, to)` fetches rows.
   */
  constructor(region, body, make, ask) {
    this.#region = region;
    this.#body = body;
    this.#make = make;
    this.#asking = ask;
    region.addEventListener("scroll", () => this.#schedule(), { passive: true });
    new ResizeObserver(() => this.#schedule()).observe(region);
  }

  /** The number of rows in the whole list. */
  set count(count) {
    if (count !== this.#count) {
      this.#count = count;
      this.#schedule();
    }
  }

  #schedule() {
    if (this.#scheduled) return;

    this.#scheduled = true;
    requestAnimationFrame(() => {
      this.#scheduled = false;
      this.#place();
    });
  }

  #place() {
    this.#height = parseFloat(getComputedStyle(this.#body).getPropertyValue("--row"));
    this.#body.style.height = `${this.#count * this.#height}px`;
    const seen = Math.ceil(this.#region.clientHeight / this.#height);
    const from = Math.max(0, Math.min(Math.floor(this.#region.scrollTop / this.#height) - BEYOND, this.#count - 1));
    this.#from = from - (from % 2); // an even start keeps the stripes in place
    this.#asking(this.#from, Math.min(this.#count, this.#from + seen + 2 * BEYOND + 1));
  }

  // Rows that stay in the window keep their elements, and with them the focus. The elements of the others are used for
  // new rows above and below.
  #arrange(count, from) {
    const old = this.#rows;
    let first = Math.max(0, from - this.#shownFrom);
    let end = Math.min(old.length, from + count - this.#shownFrom);

    // After a jump no row stays, so the elements keep their places and get other rows.
    if (first >= end) {
      this.#shownFrom = from;
      first = 0;
      end = Math.min(old.length, count);
    }

    const stay = old.slice(first, end);
    const spare = [...old.slice(0, first), ...old.slice(end)];
    const take = (many) => Array.from({ length: many }, () => spare.pop() ?? this.#make());
    const above = take(Math.max(0, this.#shownFrom - from));
    const below = take(count - above.length - stay.length);

    for (const { element } of spare) element.remove();
    this.#body.prepend(...above.map(({ element }) => element));
    this.#body.append(...below.map(({ element }) => element));
    this.#rows = [...above, ...stay, ...below];
    this.#shownFrom = from;
  }

  /** Shows the fetched rows. */
  show(rows, from) {
    this.#arrange(rows.length, from);
    this.#rows.forEach((row, i) => {
      const top = `translateY(${(from + i) * this.#height}px)`;
      if (row.top !== top) row.element.style.transform = row.top = top;
      row.show(rows[i], from + i);
    });
  }
}
