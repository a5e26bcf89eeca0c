import { isAway } from "./requests.js";
import { streamApi } from "./text.js";
import { clockTime } from "./times.js";

const SAID = { waiting: "stream.waits", quiet: "stream.quiets" }; // read aloud, without the seconds

/** Shows a stream's state in StreamStateView.razor, with a countdown while it waits to reconnect. */
export class StreamState {
  #text;
  #countdown;
  #open = false;
  #asOf;
  #element = (id) => document.getElementById(id);

  constructor(text, reconnect) {
    this.#text = text;
    this.#element("reconnect").addEventListener("click", reconnect);
    this.#element("reconnect").textContent = text("stream.reconnect");
  }

  show(state) {
    clearTimeout(this.#countdown);
    const name = nameOf(state);
    this.#element("state").dataset.state = name;
    document.getElementById("content").dataset.stream = name; // hides "Loading…" after a refusal
    this.#markStale(name, state);

    this.#element("reconnect").hidden = state.state !== "waiting" && state.state !== "closed";
    this.#element("reason").textContent = [explain(state, this.#text), this.#asOf].filter(Boolean).join(" ");

    const said = this.#text(SAID[name] ?? `stream.${name}`);
    if (this.#element("state-said").textContent !== said) this.#element("state-said").textContent = said;

    const tick = () => {
      const milliseconds = name === "quiet" ? Date.now() - state.quietSince : state.until - Date.now();
      const seconds = Math.max(0, Math.ceil(milliseconds / 1000));
      this.#element("state-text").textContent = this.#text(`stream.${name}`, { seconds });
      if (name === "quiet" || (name === "waiting" && seconds > 0)) this.#countdown = setTimeout(tick, 250);
    };

    tick();
  }

  // Marks the page as stale, with the time of the last update, when the stream is lost.
  #markStale(name, { reason, quietSince = Date.now() }) {
    if (name === "open") this.#asOf = undefined;
    else if (this.#open) this.#asOf = this.#text("stream.asOf", { time: clockTime(quietSince) });

    this.#open = name === "open";
    if (reason === "closed" || reason === "nothing-more") this.#asOf = undefined; // a regular end
    document.getElementById("content").dataset.stale = this.#asOf !== undefined;
  }
}

function nameOf({ state, until, quietSince }) {
  if (state === "waiting" && until - Date.now() < 300) return "connecting";
  return quietSince === undefined ? state : "quiet";
}

/** The reason of a stream's state, as a sentence; "" if there is nothing to explain. */
export function explain({ reason, status, detail }, text) {
  switch (reason) {
    case "refused":
    case "gave-up":
      return isAway(status)
        ? text("stream.unreachable", { url: streamApi })
        : text("stream.refused", { status, detail });
    case "unreachable":
      return text("stream.unreachable", { url: streamApi });
    case "silent":
    case "ended":
    case "broken":
    case "nothing-more":
      return text(`stream.${reason}`);
    default:
      return "";
  }
}
