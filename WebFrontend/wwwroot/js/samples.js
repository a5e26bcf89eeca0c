// What the overview has seen, a sample a second: kept while the reader goes to another page and back.

const KEPT = "overview samples";

export class Samples {
  #seconds;
  #samples = [];

  constructor(seconds) {
    this.#seconds = seconds;
    try {
      this.#samples = JSON.parse(sessionStorage.getItem(KEPT)) ?? [];
    } catch { /* kept by an older page */ }
    this.#forget();
    window.addEventListener("pagehide", () => sessionStorage.setItem(KEPT, JSON.stringify(this.#samples)));
  }

  add(sample) {
    // A time without samples is a gap, not a line across it.
    const before = this.#samples.at(-1);
    if (before && sample.time - before.time > 5) this.#samples.push({ time: before.time + 1 });
    this.#samples.push(sample);
    this.#forget();
  }

  get times() {
    return this.#samples.map(({ time }) => time);
  }

  values(of) {
    return this.#samples.map((sample) => of(sample) ?? null);
  }

  get replicas() {
    return [...new Set(this.#samples.flatMap(({ replicas }) => Object.keys(replicas ?? {})))].sort();
  }

  #forget() {
    const oldest = Date.now() / 1000 - this.#seconds - 5;
    this.#samples = this.#samples.filter(({ time }) => time > oldest);
  }
}
