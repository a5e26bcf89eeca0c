import { count } from "../Shared/numbers.js";
import { icon, node, reasonIn } from "./pet-format.js";
import { openStream } from "../Shared/streams.js";
import { streamApi } from "../Shared/text.js";

/** Pets recommended to a customer, inserted by score as they arrive. */
export class Recommendations {
  #list;
  #shelf;
  #text;
  #choose;
  #client;

  constructor(list, shelf, text, choose) {
    [this.#list, this.#shelf, this.#text, this.#choose] = [list, shelf, text, choose];
  }

  start(user, say) {
    this.#client?.close();
    this.#list.replaceChildren();
    say(this.#text("scoring"));
    const client = (this.#client = openStream(
      `${streamApi}/v1/pets/recommendations/stream?userId=${encodeURIComponent(user)}`,
    ));
    client.on("recommendation", (message) => {
      this.#add(message.json());
      say(this.#text("scoredSoFar", { count: this.#list.childElementCount }));
    });
    client.on("complete", (message) => {
      const { total, processingTime } = message.json();
      say(this.#text("scored", { count: total, ms: count(processingTime) }));
      client.close();
    });
    client.on("error", (message) => {
      say(this.#text("notScored", { reason: message.json().error }));
      client.close();
    });
    client.onState(({ state, reason, detail }) => {
      if (client !== this.#client) return;
      if (state === "waiting") say(this.#text("stream.waiting", { seconds: 1 }));
      if (state === "closed" && reason === "refused") say(this.#text("notScored", { reason: detail }));
    });
  }

  #add({ petId, name, score, reason }) {
    const row = node("li");
    row.dataset.score = score;
    const button = node("button", "recommended");
    button.type = "button";
    const bar = node("span", "bar");
    const level = node("span", "level");
    level.style.width = `${score * 100}%`;
    bar.append(level);
    button.append(
      icon(this.#shelf.get(petId)?.species ?? "pet"),
      node("b", "name", name),
      bar,
      node("span", "score", score.toFixed(2)),
      node("span", "reason", reasonIn(this.#text, reason)),
    );
    button.addEventListener("click", () => this.#choose(petId));
    row.append(button);
    const after = [...this.#list.children].find((other) => Number(other.dataset.score) < score);
    this.#list.insertBefore(row, after ?? null);
    if (!matchMedia("(prefers-reduced-motion: reduce)").matches)
      level.animate([{ width: 0 }, {}], { duration: 450, easing: "ease-out" });
  }
}
