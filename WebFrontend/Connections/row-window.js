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
    [this.#region, this.#body, this.#make, this.#asking] = [region, body, make, ask];
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

  // A row keeps its element, and with it the focus, while it is in the window: those that left go to the other end.
  #rotate(from) {
    const by = from - this.#shownFrom;
    this.#shownFrom = from;
    if (Math.abs(by) >= this.#rows.length) return;
    for (let i = 0; i < by; i++) {
      this.#rows.push(this.#rows.shift());
      this.#body.append(this.#rows.at(-1).element);
    }
    for (let i = 0; i > by; i--) {
      this.#rows.unshift(this.#rows.pop());
      this.#body.prepend(this.#rows[0].element);
    }
  }

  /** Shows the fetched rows. */
  show(rows, from) {
    while (this.#rows.length < rows.length) {
      const row = this.#make();
      this.#rows.push(row);
      this.#body.append(row.element);
    }
    while (this.#rows.length > rows.length) this.#rows.pop().element.remove();
    this.#rotate(from);
    this.#rows.forEach((row, i) => {
      const top = `translateY(${(from + i) * this.#height}px)`;
      if (row.top !== top) row.element.style.transform = row.top = top;
      row.show(rows[i], from + i);
    });
  }
}
