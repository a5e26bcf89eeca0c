// Draws the tokens of the last 15 seconds, one bar per quarter second: gaps are disconnections, peaks are catch-up.

const BARS = 60;
const WIDTH = 250; // milliseconds per bar

export class Arrivals {
  #canvas;
  #scaled;
  #timer;

  /** `scaled` is called with the tokens of the highest bar. */
  constructor(canvas, scaled) {
    this.#canvas = canvas;
    this.#scaled = scaled;
    new ResizeObserver(() => this.#draw()).observe(canvas);
  }

  show(answer) {
    this.answer = answer;
    if (answer?.status === "running") this.#timer ??= setInterval(() => this.#draw(), WIDTH / 2);
    else this.#draw();
  }

  #draw() {
    const { answer } = this;
    if (answer?.status !== "running") this.#timer = clearInterval(this.#timer);
    const arrivals = answer?.arrivals ?? [];
    const now = answer?.status === "running" ? performance.now() : (arrivals.at(-1)?.at ?? 0) + WIDTH / 2;
    const bars = new Array(BARS).fill(0);

    for (const { at, tokens } of arrivals) {
      const bar = BARS - 1 - Math.floor((now - at) / WIDTH);
      if (bar >= 0) bars[bar] += tokens;
    }

    this.#scaled(Math.max(...bars));

    const canvas = this.#canvas;
    canvas.width = canvas.clientWidth * devicePixelRatio;
    canvas.height = canvas.clientHeight * devicePixelRatio;

    const pen = canvas.getContext("2d");
    pen.fillStyle = getComputedStyle(canvas).color;
    const most = Math.max(...bars, 12);
    const step = canvas.width / BARS;

    bars.forEach((tokens, i) => {
      const height = tokens === 0 ? devicePixelRatio : Math.max((tokens / most) * canvas.height, 2 * devicePixelRatio);
      pen.globalAlpha = tokens === 0 ? 0.35 : 1;
      pen.fillRect(i * step, canvas.height - height, Math.max(step - devicePixelRatio, 1), height);
    });
  }
}
