import { compact, count } from "../Shared/numbers.js";
import { streamApi } from "../Shared/text.js";

const PAGE = 100;
const AGAIN = 5_000;
const element = (id) => document.getElementById(id);

/** The topics that have events, to choose from; read again every few seconds. Where StreamApi cannot list them, nothing is shown. */
export function topicList(choose, text) {
  let shown = PAGE;
  let asked = 0;
  element("prefix").addEventListener("input", () => ((shown = PAGE), refresh()));
  element("topics-more").addEventListener("click", () => ((shown += PAGE), refresh()));
  const again = setInterval(
    () => !document.hidden && !element("topic-rows").matches(":hover, :focus-within") && refresh(),
    AGAIN,
  );
  refresh();

  async function refresh() {
    const turn = ++asked;
    try {
      const query = new URLSearchParams({ limit: shown });
      if (element("prefix").value) query.set("prefix", element("prefix").value.trim());
      const response = await fetch(`${streamApi}/v1/topics?${query}`, { signal: AbortSignal.timeout(AGAIN) });
      if (response.status === 404) clearInterval(again); // this StreamApi does not list them
      if (!response.ok) return;
      const { topics, next } = await response.json();
      if (turn !== asked) return;
      element("topics").hidden = false;
      element("topic-rows").replaceChildren(...(topics.length > 0 ? topics.map(row) : [none()]));
      element("topics-more").hidden = !next;
    } catch {
      /* the list stays as it is; the stream's state says that StreamApi is away */
    }
  }

  function row({ topic, count: events, subscribers }) {
    const [item, button, name, number] = ["li", "button", "b", "span"].map((tag) => document.createElement(tag));
    button.type = "button";
    name.textContent = topic;
    number.textContent = compact(events);
    button.title = text("topic", { count: count(events), subscribers: count(subscribers) });
    button.append(name, number);
    button.addEventListener("click", () => choose(topic));
    item.append(button);
    return item;
  }

  function none() {
    const item = document.createElement("li");
    item.className = "none";
    item.textContent = text("noTopics");
    return item;
  }
}
