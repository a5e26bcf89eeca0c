import { onHidden, QUIET } from "../Shared/streams.js";
import { streamApi } from "../Shared/text.js";

/**
 * The page's side of the worker: calls `on.totals`, `on.rows`, `on.heat` and `on.state`.
 * Pauses while the page is hidden, because StreamApi polls its replicas only while a reader is connected.
 */
export class ConnectionFeed {
  #worker = new Worker(new URL("./connection-worker.js", import.meta.url), { type: "module" });
  #asked = new Map();

  constructor(on, wants = {}) {
    this.#worker.onmessage = ({ data }) => {
      if (data.at !== undefined) {
        this.#asked.get(data.at)?.(data.row);
        this.#asked.delete(data.at);
        return;
      }

      if (data.totals) on.totals?.(data.totals);
      if (data.rows) on.rows?.(data);
      if (data.heat) on.heat?.(data.heat);
      if (data.state) on.state?.(data.state);
    };

    this.#worker.onerror = () => (document.getElementById("not-loaded").hidden = false);
    this.#post("open", { url: `${streamApi}/v1/connections/stream`, wants, quietAfter: QUIET });
    onHidden((hidden) => this.#post(hidden ? "pause" : "resume"));
    window.addEventListener("pagehide", () => this.#post("pause"));
    window.addEventListener("pageshow", (shown) => shown.persisted && this.#post("resume"));
    window.addEventListener("online", () => this.reconnect());
  }

  /** Sets the view: `sort`, `descending`, `filter`, `state`, `from`, `to`, `hold`. */
  view(view) {
    this.#post("view", view);
  }

  /** Resolves to the connection at a cell of the heat map. */
  at(index) {
    return new Promise((resolve) => {
      this.#asked.set(index, resolve);
      this.#post("at", { index });
    });
  }

  reconnect() {
    this.#post("reconnect");
  }

  #post(ask, message = {}) {
    this.#worker.postMessage({ ask, ...message });
  }
}
