// The open connections of all replicas, as the worker keeps them: by id, sorted, filtered and counted once a second.

import { Quantiles } from "../Shared/quantiles.js";

const NEW = 5_000; // milliseconds

/** The sort key of each column. */
const VALUES = {
  client: (row) => row.client,
  user: (row) => row.user ?? "",
  replica: (row) => row.replica,
  topics: (row) => row.topics.join(" "),
  age: (row) => -Date.parse(row.connectedAt),
  delivered: (row) => row.delivered,
  p50: (row) => row.latencyMs?.p50 ?? -1,
  p95: (row) => row.latencyMs?.p95 ?? -1,
  p99: (row) => row.latencyMs?.p99 ?? -1,
  lag: (row) => row.lag,
  rtt: (row) => row.rttMs ?? -1,
  state: (row) => row.state,
};

/** Upper bounds of the colour bands, in milliseconds. Band 0 has no latency yet; the last band has no upper bound. */
export const BANDS = [5, 10, 25, 50, 100, 250];
export const bandOf = (row) => (hasLatency(row) ? 1 + BANDS.filter((end) => row.latencyMs.p99 > end).length : 0);

const hasLatency = ({ latencyMs }) => typeof latencyMs?.p99 === "number";

/** Orders by the characters' codes, without a language. */
function compare(one, other) {
  if (one < other) return -1;
  return one > other ? 1 : 0;
}

export class ConnectionTable {
  #rows = new Map();
  #delivered = new Map(); // by id, as of the last count
  #countedAt;
  #order = []; // sorted and filtered
  partial = false;
  known = false; // true after the first snapshot

  replace(rows) {
    this.#rows = new Map(rows.map((row) => [row.id, row]));
    this.#delivered.clear();
    this.#countedAt = undefined;
    this.known = true;
  }

  update({ upserted, removed, partial }) {
    for (const row of upserted) this.#rows.set(row.id, row);

    for (const id of removed) {
      this.#rows.delete(id);
      this.#delivered.delete(id);
    }

    this.partial = partial;
  }

  get size() {
    return this.#rows.size;
  }

  get(id) {
    return this.#rows.get(id);
  }

  /** Applies sort and filter. With `hold` rows keep their places under the pointer; only closed ones leave. */
  arrange({ sort, descending, filter, state, hold }) {
    if (hold) {
      this.#order = this.#order.map(({ id }) => this.#rows.get(id)).filter((row) => row);
      return;
    }

    const words = filter
      .toLowerCase()
      .split(/\s+/)
      .filter((word) => word !== "");

    const rows = [...this.#rows.values()].filter((row) => (state === "" || row.state === state) && matches(row, words));
    const value = VALUES[sort];
    const sign = descending ? -1 : 1;
    const keyed = rows.map((row) => ({ row, key: value(row) }));

    keyed.sort((a, b) => sign * compare(a.key, b.key) || compare(a.row.id, b.row.id));
    this.#order = keyed.map(({ row }) => row);
  }

  get shown() {
    return this.#order.length;
  }

  slice(from, to) {
    return this.#order.slice(from, to);
  }

  /** The colour band of each connection, grouped by replica, oldest first. */
  heat() {
    const rows = [...this.#rows.values()].sort((a, b) => compare(a.replica, b.replica) || compare(a.id, b.id));
    const counts = new Array(BANDS.length + 2).fill(0);
    const bands = Uint8Array.from(rows, (row) => {
      const band = bandOf(row);
      counts[band]++;
      return band;
    });

    return { ids: rows.map(({ id }) => id), bands, counts };
  }

  // The previous count of an uncounted connection: zero if it is new, all of it if its replica was unreachable.
  #before({ connectedAt, delivered }, seconds) {
    return seconds > 0 && Date.now() - Date.parse(connectedAt) < NEW ? 0 : delivered;
  }

  /**
   * Totals by replica since the last call: connections, deliveries per second, largest lag, latency of the deliveries.
   */
  count(now) {
    const seconds = this.#countedAt === undefined ? 0 : (now - this.#countedAt) / 1000;
    this.#countedAt = now;
    const replicas = {};
    const all = new Quantiles();

    for (const row of this.#rows.values()) {
      const replica = (replicas[row.replica] ??= {
        connections: 0,
        delivered: 0,
        lag: 0,
        slow: 0,
        spread: new Quantiles(),
      });

      replica.connections++;
      replica.lag = Math.max(replica.lag, row.lag);
      if (row.state !== "live") replica.slow++;
      if (row.topics[0]?.startsWith("$sys")) continue; // streams of the dashboards themselves

      const fresh = row.delivered - (this.#delivered.get(row.id) ?? this.#before(row, seconds));
      this.#delivered.set(row.id, row.delivered);
      if (fresh <= 0) continue;

      replica.delivered += fresh;
      if (!hasLatency(row)) continue;

      replica.spread.add(row.latencyMs, fresh);
      all.add(row.latencyMs, fresh);
    }

    const rate = (count) => (seconds > 0 ? count / seconds : 0);

    for (const replica of Object.values(replicas)) {
      replica.deliveries = rate(replica.delivered);
      replica.latency = replica.spread.quantiles();
      delete replica.spread;
    }

    return {
      replicas,
      latency: all.quantiles(),
      connections: this.#rows.size,
      partial: this.partial,
      counted: seconds > 0,
    };
  }
}

const matches = (row, words) => {
  if (words.length === 0) return true;
  const text = `${row.client} ${row.user ?? ""} ${row.topics.join(" ")} ${row.id} ${row.replica}`.toLowerCase();
  return words.every((word) => text.includes(word));
};
