import { icon, node, price, time } from "./pet-format.js";
import { browserStorage } from "../Shared/storage.js";
import { openStream } from "../Shared/streams.js";
import { streamApi } from "../Shared/text.js";

const STEPS = ["payment_processing", "payment_confirmed", "preparing_shipment", "shipped"];
const KEY = "petstore orders";
const KEPT = 4;

/**
 * The orders of this browser, step by step. localStorage keeps their ids; each stream replays all steps of its order,
 * so a reloaded page shows the current step.
 */
export class OrderTracker {
  #list;
  #shelf;
  #text;
  #orders = [];

  constructor(list, shelf, text) {
    this.#list = list;
    this.#shelf = shelf;
    this.#text = text;
  }

  /** Shows the orders of this browser, and those that its other tabs place later. */
  restore() {
    const show = () => {
      for (const order of kept().toReversed()) if (!this.#orders.some(({ id }) => id === order.id)) this.#add(order);
    };

    show();
    addEventListener("storage", ({ key }) => key === KEY && show());
  }

  follow({ id, petId, quantity, total }) {
    this.#add({ id, petId, quantity, total, steps: {} });
    this.#keep();
  }

  #add(order) {
    const row = orderRow(order, this.#shelf.get(order.petId), this.#text);
    this.#orders.unshift(order);
    this.#list.prepend(row.element);
    for (const { close } of this.#orders.splice(KEPT)) close?.();
    while (this.#list.childElementCount > KEPT) this.#list.lastElementChild.remove();
    document.getElementById("orders-none").hidden = true;
    row.show(order);
    if (!order.tracking) this.#stream(order, row);
  }

  #stream(order, row) {
    const client = openStream(`${streamApi}/v1/orders/${order.id}/status/stream`);
    order.close = () => client.close();

    const step = (status, more) => {
      order.steps[status] = more.timestamp ?? new Date().toISOString();
      if (more.trackingNumber) order.tracking = more.trackingNumber;
      row.show(order);
      this.#keep();
    };

    client.on("message", (message) => step(message.json().status, message.json()));
    client.on("complete", (message) => {
      step("shipped", message.json());
      client.close();
    });

    client.onState(({ state, reason, status }) => {
      row.waits(state === "waiting");
      // The order belongs to an earlier store.
      if (state === "closed" && reason === "refused" && status === 404) this.#forget(order, row);
    });
  }

  #forget(order, row) {
    this.#orders = this.#orders.filter((other) => other !== order);
    row.element.remove();
    document.getElementById("orders-none").hidden = this.#orders.length > 0;
    this.#keep(order);
  }

  // Keeps the newest orders of all tabs, by id, whose first part is the time; `without` is not kept any more.
  #keep(without) {
    const own = this.#orders.map(({ close, ...order }) => order);
    const others = kept().filter(({ id }) => id !== without?.id && !own.some((order) => order.id === id));
    const all = [...own, ...others].sort((a, b) => (a.id < b.id ? 1 : -1));
    browserStorage.set(KEY, JSON.stringify(all.slice(0, KEPT)));
  }
}

function kept() {
  try {
    return JSON.parse(browserStorage.get(KEY)) ?? [];
  } catch {
    return []; // written by an older version of this page
  }
}

function orderRow({ id, quantity, total }, pet, text) {
  const element = node("li", "order");
  element.dataset.order = id;
  const about = node("div", "about");
  const tracking = node("span", "tracking");
  about.append(
    icon(pet?.species ?? "pet"),
    node("b", undefined, `${pet?.name ?? "?"} × ${quantity}`),
    node("span", "total", price(total)),
    tracking,
  );

  const steps = node("ol", "steps");
  const places = STEPS.map((status) => {
    const step = node("li");
    const name = node("span", "step", text(status));
    const at = node("time");

    step.append(node("span", "dot"), name, at);
    steps.append(step);

    return { step, at };
  });

  element.append(about, steps);

  return {
    element,
    waits: (waits) => element.classList.toggle("waits", waits),
    show({ steps: done, tracking: number }) {
      const reached = STEPS.findLastIndex((status) => done[status]);
      places.forEach(({ step, at }, i) => {
        const isDone = i < reached || !!number;
        const isNow = i === reached && !isDone;
        step.dataset.state = "later";
        if (isDone) step.dataset.state = "done";
        else if (isNow) step.dataset.state = "now";

        if (isNow) step.setAttribute("aria-current", "step");
        else step.removeAttribute("aria-current");

        const when = done[STEPS[i]];
        at.textContent = when ? time(Date.parse(when)) : "";
      });

      element.dataset.status = number ? "shipped" : (STEPS[reached] ?? "");
      tracking.textContent = number ? text("tracking", { number }) : "";
    },
  };
}
