// Counts events per second over the last minute, and the latency quantiles of the last 500.

import { count } from "../Shared/numbers.js";

const SECONDS = 60;
const SAMPLES = 500;
const element = (id) => document.getElementById(id);

export class EventStats {
  #text;
  #total = 0;
  #replayed = 0;
  #seconds = new Array(SECONDS).fill(0);
  #samples = [];
  #canvas = element("rates");
  #drawn = "";
  #drawing = false;

  constructor(text) {
    this.#text = text;
    setInterval(() => {
      this.#numbers();
      this.#bars();
      this.#seconds.shift();
      this.#seconds.push(0);
    }, 1000);

    this.#bars();
  }

  /** Counts one event; its latency may be unknown. */
  count(latency) {
    this.#total++;
    this.#seconds[SECONDS - 1]++;
    if (latency !== undefined) this.#samples.push(latency);
    if (this.#samples.length > SAMPLES) this.#samples.shift();
    this.#schedule();
  }

  /** Counts an event that was stored before the stream was connected. */
  countReplayed() {
    this.#replayed++;
    this.#schedule();
  }

  clear() {
    this.#total = this.#replayed = 0;
    this.#samples = [];
    this.#seconds.fill(0);
    this.#numbers();
    this.#bars();
  }

  #schedule() {
    if (this.#drawing) return;

    this.#drawing = true;
    requestAnimationFrame(() => {
      this.#drawing = false;
      this.#numbers();
    });
  }

  #numbers() {
    const sorted = this.#samples.toSorted((a, b) => a - b);
    const at = (share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];

    element("received").textContent = count(this.#total);
    element("replayed").textContent =
      this.#replayed > 0 ? this.#text("replayed", { count: count(this.#replayed) }) : "";
    element("rate").textContent = count(this.#seconds[SECONDS - 2]);
    element("latency").textContent = sorted.length > 0 ? `${at(0.5)} / ${at(0.95)} ms` : "–";
  }

  #bars() {
    const canvas = this.#canvas;
    const picture = `${this.#seconds} ${canvas.clientWidth}`;
    if (picture === this.#drawn) return; // nothing changed

    this.#drawn = picture;
    element("peak").textContent = this.#text("rates", { count: count(Math.max(...this.#seconds)) });

    const scale = devicePixelRatio;
    const width = canvas.clientWidth * scale;
    const height = canvas.clientHeight * scale;
    canvas.width = width;
    canvas.height = height;

    const pen = canvas.getContext("2d");
    pen.fillStyle = getComputedStyle(canvas).color;
    const most = Math.max(...this.#seconds, 1);
    const step = width / SECONDS;

    this.#seconds.forEach((events, i) => {
      const bar = events === 0 ? scale : Math.max((events / most) * height, 2 * scale);
      pen.globalAlpha = events === 0 ? 0.35 : 1;
      pen.fillRect(i * step, height - bar, Math.max(step - scale, 1), bar);
    });
  }
}
