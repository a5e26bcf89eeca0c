import { taskCard } from "./task-card.js";

export const STATUSES = ["todo", "in_progress", "done"];
const CARDS = 40; // that a column shows, and that its button adds
const TICK = 5_000; // milliseconds between updates of the times
const still = matchMedia("(prefers-reduced-motion: reduce)");

function lastChangedFirst(one, other) {
  if (one.updatedAt !== other.updatedAt) return one.updatedAt < other.updatedAt ? 1 : -1;
  return one.id < other.id ? 1 : -1;
}

/**
 * The columns, last changed first. A button, an arrow key or a drag calls `move(task, status)`; a column's button calls
 * `more(status)`, which adds older tasks and resolves with false if it could not.
 */
export class TaskBoard {
  #columns = new Map();
  #tasks = new Map();
  #cards = new Map();
  #text;
  #move;
  #shown = new Map(STATUSES.map((status) => [status, CARDS]));
  #older = new Set(); // columns with tasks that are not loaded
  #scheduled = false;

  constructor(page, text, move, more) {
    this.#text = text;
    this.#move = move;
    setInterval(() => this.#cards.forEach(({ tick }) => tick()), TICK);

    for (const column of page.querySelectorAll(".column")) {
      this.#columns.set(column.dataset.status, column);
      column.querySelector(".more").addEventListener("click", () => this.#showMore(column, more));

      column.addEventListener("dragover", (over) => {
        if (!over.dataTransfer.types.includes("application/x-task")) return;
        over.preventDefault();
        over.dataTransfer.dropEffect = "move";
        column.classList.add("over");
      });

      column.addEventListener(
        "dragleave",
        (leave) => !column.contains(leave.relatedTarget) && column.classList.remove("over"),
      );

      column.addEventListener("drop", (drop) => {
        drop.preventDefault();
        column.classList.remove("over");
        this.#request(drop.dataTransfer.getData("application/x-task"), column.dataset.status);
      });
    }
  }

  get(id) {
    return this.#tasks.get(id);
  }

  /** Maximum cards of a column at present. */
  shown(status) {
    return this.#shown.get(status);
  }

  show(tasks) {
    this.#tasks = new Map(tasks.map((task) => [task.id, task]));
    this.#schedule();
  }

  /** Adds the tasks that are not loaded yet. */
  add(tasks) {
    for (const task of tasks) if (!this.#tasks.has(task.id)) this.#tasks.set(task.id, task);
    this.#schedule();
  }

  hasOlder(status, has) {
    if (has) this.#older.add(status);
    else this.#older.delete(status);
    this.#schedule();
  }

  put(task) {
    const known = this.#tasks.get(task.id);
    this.#tasks.set(task.id, {
      ...task,
      status: known?.status ?? task.status,
      updatedAt: known?.updatedAt ?? task.updatedAt,
    });

    this.#schedule();
  }

  change(id, status, at) {
    const task = this.#tasks.get(id);
    if (!task || task.status === status) return;
    this.#tasks.set(id, { ...task, status, updatedAt: at });
    this.#schedule();
  }

  #request(id, status) {
    const task = this.#tasks.get(id);
    if (task && status && task.status !== status) this.#move(task, status);
  }

  async #showMore(column, more) {
    const { status } = column.dataset;
    const shown = this.#shown.get(status) + CARDS;
    this.#shown.set(status, shown);

    // A page may contain only tasks that are loaded already.
    let goesOn = true;
    while (goesOn && this.#of(status).length < shown && this.#older.has(status)) goesOn = await more(status);
    const last = column.querySelector(".cards").lastElementChild;
    this.#draw();

    // A button that has nothing more to show disappears, and the focus would be lost.
    const card = last?.nextElementSibling ?? last;
    if (column.querySelector(".more").hidden) card?.querySelector("button:enabled").focus();
  }

  #of(status) {
    return [...this.#tasks.values()].filter((task) => task.status === status);
  }

  // Draws once per animation frame.
  #schedule() {
    if (this.#scheduled) return;

    this.#scheduled = true;
    requestAnimationFrame(() => {
      this.#scheduled = false;
      this.#draw();
    });
  }

  #draw() {
    const focused = document.activeElement?.closest?.(".card") ? document.activeElement : undefined;
    const before = new Map([...this.#cards].map(([id, { element }]) => [id, element.getBoundingClientRect()]));
    const shown = new Set();

    for (const [status, column] of this.#columns) {
      const tasks = this.#of(status).sort(lastChangedFirst);
      const list = column.querySelector(".cards");
      const most = this.#shown.get(status);
      const older = this.#older.has(status);

      tasks.slice(0, most).forEach((task, i) => {
        shown.add(task.id);
        const card = this.#card(task);
        card.show(task);
        if (list.children[i] !== card.element) list.insertBefore(card.element, list.children[i] ?? null);
      });

      column.querySelector(".count").textContent = `${tasks.length}${older ? "+" : ""}`;
      column.querySelector(".none").hidden = tasks.length > 0 || older;
      column.querySelector(".none").removeAttribute("data-loading");
      column.querySelector(".none").textContent = this.#text("none");
      column.querySelector(".more").hidden = tasks.length <= most && !older;
    }

    for (const [id, { element }] of this.#cards) {
      if (shown.has(id)) continue;
      element.remove();
      this.#cards.delete(id);
    }

    // Moving a card takes the focus from its button; restore it, or focus the other button in the last column.
    if (focused?.isConnected && document.activeElement !== focused)
      (focused.disabled ? focused.parentElement.querySelector("button:enabled") : focused)?.focus({
        preventScroll: false,
      });

    if (!still.matches) this.#animate(before);
  }

  #card(task) {
    if (!this.#cards.has(task.id))
      this.#cards.set(
        task.id,
        taskCard(this.#text, (id, step) =>
          this.#request(id, STATUSES[STATUSES.indexOf(this.#tasks.get(id).status) + step]),
        ),
      );

    return this.#cards.get(task.id);
  }

  // Animates each card from its previous place.
  #animate(before) {
    for (const [id, { element }] of this.#cards) {
      const from = before.get(id);
      const to = element.getBoundingClientRect();

      if (!from) {
        if (before.size > 0)
          element.animate([{ opacity: 0, transform: "translateY(-8px)" }, {}], { duration: 250, easing: "ease-out" });
      } else if (from.x !== to.x || from.y !== to.y) {
        element.animate([{ transform: `translate(${from.x - to.x}px, ${from.y - to.y}px)` }, {}], {
          duration: 320,
          easing: "cubic-bezier(.2, .7, .2, 1)",
        });
      }

      if (from && from.x !== to.x)
        element.animate([{ backgroundColor: "var(--fresh)" }, {}], { duration: 1600, easing: "ease-out" });
    }
  }
}
