import { shareAcrossTabs, type SharedStream, type ShareOptions } from "../src/tabs.js";

// Node has Web Locks only since version 24: a first-in, first-out lock by name. (Real tabs: tests/Browser.)
class Locks {
  #queues = new Map<string, Promise<unknown>>();
  request(name: string, { signal }: { signal: AbortSignal }, hold: () => Promise<void>): Promise<void> {
    const turn = (this.#queues.get(name) ?? Promise.resolve()).then(() => (signal.aborted ? undefined : hold()));
    this.#queues.set(name, turn);
    return turn as Promise<void>;
  }
}

Object.defineProperty(globalThis, "navigator", { value: { locks: new Locks() }, configurable: true });

const QUICK = { initial: 1, max: 5 };
/** Opens a shared stream with quick retries, and records its events. */
export function open(url: string, options: ShareOptions = {}) {
  const tab: SharedStream = shareAcrossTabs(url, { ...QUICK, ...options });
  const events: string[] = [];
  tab.on("*", ({ type, data }) => events.push(type === "message" ? data : type));
  return { tab, events };
}

/** Opens a tab with its own document, which can be hidden. */
export function openInWindow(url: string) {
  const page = Object.assign(new EventTarget(), { hidden: false });
  (globalThis as { document?: unknown }).document = page;

  const set = (hidden: boolean) => {
    page.hidden = hidden;
    page.dispatchEvent(new Event("visibilitychange"));
  };

  const opened = open(url, { pauseWhenHidden: true });
  delete (globalThis as { document?: unknown }).document;

  return { ...opened, hide: () => set(true), show: () => set(false) };
}
