// One square per connection, coloured by its p99, so that a slow one stands out among ten thousand.

const LARGEST = 24;
const SMALLEST = 4;
const HEIGHT = 132; // pixels: squares shrink to fit, down to SMALLEST; after that the map grows

export class HeatMap {
  #canvas;
  #bands = new Uint8Array();
  #cell = LARGEST;
  #columns = 1;

  constructor(canvas, { over, out, chosen }) {
    this.#canvas = canvas;
    canvas.addEventListener("pointermove", (move) => {
      const index = this.#at(move);
      if (index === undefined) out();
      else over(index, move.offsetX, move.offsetY);
    });

    canvas.addEventListener("pointerleave", out);
    canvas.addEventListener("click", (click) => this.#at(click) !== undefined && chosen(this.#at(click)));
    new ResizeObserver(() => this.#draw()).observe(canvas.parentElement);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.#draw());
  }

  show(bands) {
    this.#bands = bands;
    this.#draw();
  }

  #at({ offsetX, offsetY }) {
    const column = Math.floor(offsetX / this.#cell);
    const row = Math.floor(offsetY / this.#cell);
    const index = row * this.#columns + column;
    return column < this.#columns && index < this.#bands.length ? index : undefined;
  }

  #draw() {
    const canvas = this.#canvas;
    const count = this.#bands.length;
    const width = canvas.parentElement.clientWidth;
    this.#cell = LARGEST;

    while (this.#cell > SMALLEST && Math.ceil(count / Math.floor(width / this.#cell)) * this.#cell > HEIGHT)
      this.#cell--;

    this.#columns = Math.max(1, Math.floor(width / this.#cell));
    const height = Math.max(1, Math.ceil(count / this.#columns)) * this.#cell;
    const scale = devicePixelRatio;
    canvas.style.height = `${height}px`;
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(height * scale);
    const pen = canvas.getContext("2d");
    const style = getComputedStyle(canvas);
    const gap = this.#cell > 6 ? 2 : 1;
    pen.scale(scale, scale);

    for (let band = 0; band <= 7; band++) {
      pen.fillStyle = style.getPropertyValue(`--heat-${band}`);

      for (let i = this.#bands.indexOf(band); i >= 0; i = this.#bands.indexOf(band, i + 1)) {
        pen.fillRect(
          (i % this.#columns) * this.#cell,
          Math.floor(i / this.#columns) * this.#cell,
          this.#cell - gap,
          this.#cell - gap,
        );
      }
    }
  }
}
