/**
 * Merges the quantiles of several connections or replicas, weighted by their deliveries. The result never understates.
 */
export class Quantiles {
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
