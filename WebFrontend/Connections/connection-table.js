// The open connections of all replicas as the worker holds them: kept by id, sorted and filtered here, counted by the second.

import { Spread } from "../Shared/quantiles.js";

const NEW = 5_000; // milliseconds

/** What stands in a column, to sort by. */
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

/** The upper ends of the bands that colours stand for, in milliseconds; what is slower is in the last one, what has no latency in the first. */
export const BANDS = [5, 10, 25, 50, 100, 250];
export const bandOf = ({ latencyMs }) => (latencyMs ? 1 + BANDS.filter((end) => latencyMs.p99 > end).length : 0);

export class ConnectionTable {
  #rows = new Map();
  #delivered = new Map(); // by id, at the last count
  #countedAt;
  #order = []; // what the view shows
  partial = false;
  known = false; // whether there was a snapshot

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

  /** Applies sort and filter. With `hold` the rows keep their places, so that nothing moves away under a pointer; closed ones leave. */
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
    const [value, sign] = [VALUES[sort], descending ? -1 : 1];
    const keyed = rows.map((row) => ({ row, key: value(row) }));
    keyed.sort((a, b) => (a.key < b.key ? -sign : a.key > b.key ? sign : a.row.id < b.row.id ? -1 : 1));
    this.#order = keyed.map(({ row }) => row);
  }

  get shown() {
    return this.#order.length;
  }

  slice(from, to) {
    return this.#order.slice(from, to);
  }

  /** The colour band of each connection, replica by replica and oldest first. */
  heat() {
    const rows = [...this.#rows.values()].sort((a, b) =>
      a.replica < b.replica ? -1 : a.replica > b.replica ? 1 : a.id < b.id ? -1 : 1,
    );
    const counts = new Array(BANDS.length + 2).fill(0);
    const bands = Uint8Array.from(rows, (row) => {
      const band = bandOf(row);
      counts[band]++;
      return band;
    });
    return { ids: rows.map(({ id }) => id), bands, counts };
  }

  // What one that is seen for the first time had delivered before: nothing where it is new, everything where its replica was silent.
  #before({ connectedAt, delivered }, seconds) {
    return seconds > 0 && Date.now() - Date.parse(connectedAt) < NEW ? 0 : delivered;
  }

  /** Since the last call: by replica how many connections, deliveries a second, the greatest lag; and the latency of what was delivered. */
  count(now) {
    const seconds = this.#countedAt === undefined ? 0 : (now - this.#countedAt) / 1000;
    this.#countedAt = now;
    const replicas = {};
    const all = new Spread();
    for (const row of this.#rows.values()) {
      const replica = (replicas[row.replica] ??= {
        connections: 0,
        delivered: 0,
        lag: 0,
        slow: 0,
        spread: new Spread(),
      });
      replica.connections++;
      replica.lag = Math.max(replica.lag, row.lag);
      if (row.state !== "live") replica.slow++;
      if (row.topics[0]?.startsWith("$sys")) continue; // the dashboards' own streams
      const fresh = row.delivered - (this.#delivered.get(row.id) ?? this.#before(row, seconds));
      this.#delivered.set(row.id, row.delivered);
      if (fresh <= 0) continue;
      replica.delivered += fresh;
      if (!row.latencyMs) continue;
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
