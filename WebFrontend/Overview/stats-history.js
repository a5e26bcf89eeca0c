import { Quantiles } from "../Shared/quantiles.js";

const CARRIED_OVER = 3; // seconds for which the last entry stands in for a late one
const MEAN_WINDOW = 5; // seconds averaged by now()

/** Stats of the replicas by second: `{ at, connections, delivered, latencyMs, appended, lag, resumes, resyncs }`. */
export class StatsHistory {
  #seconds;
  #replicas = new Map(); // name: entries by second

  constructor(seconds) {
    this.#seconds = seconds;
  }

  /** Adds the replicas' latest entries and drops expired ones. */
  add(replicas) {
    for (const { name, stats } of replicas) {
      if (!this.#replicas.has(name)) this.#replicas.set(name, new Map());
      for (const entry of stats) this.#replicas.get(name).set(entry.at, entry);
    }

    const oldest = this.last - this.#seconds;

    for (const [name, stats] of this.#replicas) {
      for (const second of stats.keys()) if (second <= oldest) stats.delete(second);
      if (stats.size === 0) this.#replicas.delete(name);
    }
  }

  /** The newest second with an entry; 0 if there is none. */
  get last() {
    return Math.max(0, ...[...this.#replicas.values()].flatMap((stats) => [...stats.keys()].at(-1) ?? 0));
  }

  get names() {
    return [...this.#replicas.keys()].sort();
  }

  /** True without an event or a delivery in all these seconds. */
  get isIdle() {
    return [...this.#replicas.values()].every((stats) =>
      [...stats.values()].every(({ appended = 0, delivered = 0 }) => appended === 0 && delivered === 0),
    );
  }

  /** Every second from the first entry to the last. */
  get times() {
    const first = Math.min(...[...this.#replicas.values()].map((stats) => stats.keys().next().value));
    return Number.isFinite(first) ? Array.from({ length: this.last - first + 1 }, (_, i) => first + i) : [];
  }

  /** A replica's values for those seconds; null without an entry. */
  values(name, of) {
    return this.times.map((second) => {
      const entry = this.#at(name, second);
      return entry ? of(entry) : null;
    });
  }

  /** Values over all replicas: `of` gets the entries of each second. */
  together(of) {
    return this.times.map((second) => {
      const stats = this.names.map((name) => this.#at(name, second)).filter((entry) => entry);
      return stats.length > 0 ? of(stats, second) : null;
    });
  }

  /** Current rates and latency of the named replicas, all by default. */
  now(names = this.names) {
    const spread = new Quantiles();
    const sums = { delivered: 0, appended: 0 };

    for (const name of names) {
      let appended = 0;
      for (let second = this.last - MEAN_WINDOW + 1; second <= this.last; second++) {
        const entry = this.#at(name, second);
        if (!entry) continue;
        sums.delivered += (entry.delivered ?? 0) / MEAN_WINDOW;
        appended += (entry.appended ?? 0) / MEAN_WINDOW;
        if (entry.latencyMs) spread.add(entry.latencyMs, entry.delivered);
      }

      sums.appended = Math.max(sums.appended, appended); // every replica reports the same log
    }

    return { ...sums, latency: spread.quantiles() };
  }

  /** A replica's resumes, and its resyncs by reason, over the whole history. */
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
    const stats = this.#replicas.get(name);
    for (let delay = 0; delay <= CARRIED_OVER; delay++)
      if (stats?.has(second - delay)) return stats.get(second - delay);
  }
}

/** The merged latency of several replicas. */
export function latencyOf(stats) {
  const spread = new Quantiles();
  for (const { latencyMs, delivered } of stats) if (latencyMs) spread.add(latencyMs, delivered);
  return spread.quantiles();
}
