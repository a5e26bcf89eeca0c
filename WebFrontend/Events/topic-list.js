import { compact, count } from "../Shared/numbers.js";
import { streamApi } from "../Shared/text.js";

const PAGE = 100;
const REFRESH_INTERVAL = 5_000; // milliseconds
const element = (id) => document.getElementById(id);

/** Lists the topics that have events, refreshed every few seconds. Hidden if StreamApi cannot list topics. */
export function topicList(choose, text) {
  let shown = PAGE;
  let asked = 0;
  element("prefix").addEventListener("input", () => ((shown = PAGE), refresh()));
  element("topics-more").addEventListener("click", () => ((shown += PAGE), refresh()));

  const timer = setInterval(
    () => !document.hidden && !element("topic-rows").matches(":hover, :focus-within") && refresh(),
    REFRESH_INTERVAL,
  );

  refresh();

  async function refresh() {
    const turn = ++asked;
    try {
      const query = new URLSearchParams({ limit: shown });
      if (element("prefix").value) query.set("prefix", element("prefix").value.trim());

      const response = await fetch(`${streamApi}/v1/topics?${query}`, {
        signal: AbortSignal.timeout(REFRESH_INTERVAL),
      });

      if (response.status === 404) clearInterval(timer); // this StreamApi has no topic list
      if (!response.ok) return;

      const { topics, next } = await response.json();
      if (turn !== asked) return;

      element("topics").hidden = false;
      element("topic-rows").replaceChildren(...(topics.length > 0 ? topics.map(row) : [none()]));
      element("topics-more").hidden = !next;
    } catch {
      /* keep the list; the stream's state shows that StreamApi is unreachable */
    }
  }

  function row({ topic, count: events, subscribers }) {
    const [item, button, name, number] = ["li", "button", "b", "span"].map((tag) => document.createElement(tag));
    button.type = "button";
    name.textContent = topic;
    number.textContent = compact(events);

    button.title = text("topic", {
      events: text("events", { count: count(events) }),
      subscribers: text("subscribers", { count: count(subscribers) }),
    });

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
