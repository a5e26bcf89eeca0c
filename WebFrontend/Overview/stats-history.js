import { Spread } from "../Shared/quantiles.js";

const CARRIED = 3; // seconds that a figure holds where the next one is late
const NOW = 5; // seconds that "now" is the mean of: calm enough to be read

/** The replicas' figures, second by second, for the last minutes: `{ at, connections, delivered, latencyMs, appended, lag, resumes, resyncs }`. */
export class FigureHistory {
  #seconds;
  #replicas = new Map(); // by name: figures by second

  constructor(seconds) {
    this.#seconds = seconds;
  }

  /** Takes in what the replicas tell. */
  add(replicas) {
    for (const { name, figures } of replicas) {
      if (!this.#replicas.has(name)) this.#replicas.set(name, new Map());
      for (const figure of figures) this.#replicas.get(name).set(figure.at, figure);
    }
    const oldest = this.last - this.#seconds;
    for (const [name, figures] of this.#replicas) {
      for (const second of figures.keys()) if (second <= oldest) figures.delete(second);
      if (figures.size === 0) this.#replicas.delete(name);
    }
  }

  /** The newest second that is known of; 0 where none is. */
  get last() {
    return Math.max(0, ...[...this.#replicas.values()].flatMap((figures) => [...figures.keys()].at(-1) ?? 0));
  }

  get names() {
    return [...this.#replicas.keys()].sort();
  }

  /** Every second from the first one that is known of. */
  get times() {
    const first = Math.min(...[...this.#replicas.values()].map((figures) => figures.keys().next().value));
    return Number.isFinite(first) ? Array.from({ length: this.last - first + 1 }, (_, i) => first + i) : [];
  }

  /** A replica's values over those times; null where it said nothing. */
  values(name, of) {
    return this.times.map((second) => {
      const figure = this.#at(name, second);
      return figure ? of(figure) : null;
    });
  }

  /** The same of all replicas at once: `of` gets the figures of each second. */
  together(of) {
    return this.times.map((second) => {
      const figures = this.names.map((name) => this.#at(name, second)).filter((figure) => figure);
      return figures.length > 0 ? of(figures, second) : null;
    });
  }

  /** What a replica does now, or all do. */
  now(names = this.names) {
    const spread = new Spread();
    const sums = { delivered: 0, appended: 0 };
    for (const name of names) {
      let appended = 0;
      for (let second = this.last - NOW + 1; second <= this.last; second++) {
        const figure = this.#at(name, second);
        if (!figure) continue;
        sums.delivered += (figure.delivered ?? 0) / NOW;
        appended += (figure.appended ?? 0) / NOW;
        if (figure.latencyMs) spread.add(figure.latencyMs, figure.delivered);
      }
      sums.appended = Math.max(sums.appended, appended); // each sees the same log grow
    }
    return { ...sums, latency: spread.quantiles() };
  }

  /** How many resumes and resyncs (by reason) a replica had in all the time that is known of. */
  counts(name) {
    const counts = { resumes: 0, resyncs: {} };
    for (const { resumes = 0, resyncs = {} } of this.#replicas.get(name)?.values() ?? []) {
      counts.resumes += resumes;
      for (const [reason, many] of Object.entries(resyncs))
        counts.resyncs[reason] = (counts.resyncs[reason] ?? 0) + many;
    }
    return counts;
  }

  #at(name, second) {
    const figures = this.#replicas.get(name);
    for (let late = 0; late <= CARRIED; late++) if (figures?.has(second - late)) return figures.get(second - late);
  }
}

/** The latency of what several replicas delivered, as one. */
export function latencyOf(figures) {
  const spread = new Spread();
  for (const { latencyMs, delivered } of figures) if (latencyMs) spread.add(latencyMs, delivered);
  return spread.quantiles();
}
