import { count } from "../Shared/numbers.js";
import { icon, node, reasonIn } from "./pet-format.js";
import { explain } from "../Shared/StreamStateView.razor.js";
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
    this.#list = list;
    this.#shelf = shelf;
    this.#text = text;
    this.#choose = choose;
  }

  start(user, say) {
    this.#client?.close();
    this.#list.replaceChildren();

    const soFar = () => {
      const count = this.#list.childElementCount;
      return count === 0 ? this.#text("scoring") : this.#text("scoredSoFar", { count });
    };

    say(soFar());
    const client = (this.#client = openStream(
      `${streamApi}/v1/pets/recommendations/stream?userId=${encodeURIComponent(user)}`,
    ));

    client.on("recommendation", (message) => {
      this.#add(message.json());
      say(soFar(), { aloud: false });
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

    client.onState((now) => {
      if (client !== this.#client) return;

      if (now.state === "open") say(soFar(), { aloud: false });

      if (now.state === "waiting") {
        const seconds = Math.max(1, Math.ceil((now.until - Date.now()) / 1000));
        say(`${explain(now, this.#text)} ${this.#text("stream.waiting", { seconds })}`);
      }

      if (now.state === "closed" && now.reason === "refused") say(this.#text("notScored", { reason: now.detail }));
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
