// The questions asked in this browser, newest first, with the ids of their answers. The server keeps the answers.
import { browserStorage } from "./storage.js";
import { timeOrDay } from "./times.js";

const MOST = 20;

/** Entries `{ key, at, … }` under a localStorage name, shared by all tabs. */
export class Recents {
  #name;

  constructor(name) {
    this.#name = name;
  }

  all() {
    try {
      const entries = JSON.parse(browserStorage.get(this.#name));
      return Array.isArray(entries) ? entries : [];
    } catch {
      return []; // written by an older version of this page
    }
  }

  find(matches) {
    return this.all().find(matches);
  }

  /** Drops the oldest entries if the storage is full. */
  put(entry) {
    const others = this.all().filter(({ key }) => key !== entry.key);
    const entries = [{ ...entry, at: Date.now() }, ...others].slice(0, MOST);
    while (entries.length > 0 && !browserStorage.set(this.#name, JSON.stringify(entries))) entries.pop();
  }

  drop(key) {
    browserStorage.set(this.#name, JSON.stringify(this.all().filter((entry) => entry.key !== key)));
  }

  /** Calls `changed` when another tab changes the entries. */
  onchange(changed) {
    window.addEventListener("storage", ({ key }) => key === this.#name && changed());
  }

  /** Shows the entries as links; `link(entry)` returns `{ href, title, current }`. */
  show(panel, list, link) {
    const entries = this.all();
    panel.hidden = entries.length === 0;

    list.replaceChildren(
      ...entries.map((entry) => {
        const { href, title, current } = link(entry);
        const [item, anchor, time] = ["li", "a", "time"].map((name) => document.createElement(name));

        anchor.href = href;
        anchor.textContent = title;
        anchor.title = title;
        if (current) anchor.setAttribute("aria-current", "page");
        time.textContent = timeOrDay(entry.at);
        item.append(anchor, time);

        return item;
      }),
    );
  }
}
