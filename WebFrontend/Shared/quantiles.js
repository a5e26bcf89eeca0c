/** The quantiles of many (connections, replicas) as one: half of what one delivered lies at its p50 or below, and so on. Never less than the truth. */
export class Spread {
  #buckets = new Map();
  #total = 0;

  add({ p50, p95, p99 }, weight) {
    this.#total += weight;
    for (const [value, share] of [
      [p50, 0.5],
      [p95, 0.45],
      [p99, 0.05],
    ])
      this.#buckets.set(value, (this.#buckets.get(value) ?? 0) + share * weight);
  }

  quantiles() {
    if (this.#total === 0) return null;
    const values = [...this.#buckets].sort(([a], [b]) => a - b);
    const at = (quantile) => {
      let seen = 0;
      return values.find(([, weight]) => (seen += weight) >= quantile * this.#total - 1e-9)?.[0] ?? values.at(-1)[0];
    };
    return { p50: at(0.5), p95: at(0.95), p99: at(0.99) };
  }
}
