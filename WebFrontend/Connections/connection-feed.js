import { onHidden } from "../Shared/streams.js";
import { streamApi } from "../Shared/text.js";

/**
 * The page's side of the worker: `on.totals`, `on.rows`, `on.heat`, `on.state`. While the page is hidden for longer nothing is read: StreamApi asks its
 * replicas only while somebody watches.
 */
export class ConnectionFeed {
  #worker = new Worker(new URL("./connection-worker.js", import.meta.url), { type: "module" });
  #asked = new Map();

  constructor(on, wants = {}) {
    this.#worker.onmessage = ({ data }) => {
      if (data.at !== undefined) return this.#asked.get(data.at)?.(data.row);
      if (data.totals) on.totals?.(data.totals);
      if (data.rows) on.rows?.(data);
      if (data.heat) on.heat?.(data.heat);
      if (data.state) on.state?.(data.state);
    };
    this.#ask("open", { url: `${streamApi}/v1/connections/stream`, wants });
    onHidden((hidden) => this.#ask(hidden ? "pause" : "resume"));
    window.addEventListener("pagehide", () => this.#ask("pause"));
    window.addEventListener("pageshow", (shown) => shown.persisted && this.#ask("resume"));
    window.addEventListener("online", () => this.reconnect());
  }

  /** What to show: `sort`, `descending`, `filter`, `state`, `from`, `to`, `hold`. */
  view(view) {
    this.#ask("view", view);
  }

  /** The connection behind a cell of the heat map. */
  at(index) {
    return new Promise((resolve) => {
      this.#asked.set(index, resolve);
      this.#ask("at", { index });
    });
  }

  reconnect() {
    this.#ask("reconnect");
  }

  #ask(ask, message = {}) {
    this.#worker.postMessage({ ask, ...message });
  }
}
