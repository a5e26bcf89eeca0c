import { icon, node, price, time } from "./pet-format.js";

const SHOWN = 14;

/** The latest changes of stock and price, newest first. */
export class InventoryTicker {
  #list;
  #shelf;
  #text;

  constructor(list, shelf, text) {
    this.#list = list;
    this.#shelf = shelf;
    this.#text = text;
  }

  add(type, { petId, oldStock, newStock, oldPrice, newPrice }) {
    const pet = this.#shelf.get(petId);
    const stock = type === "stock-change";
    const [before, after] = stock ? [oldStock, newStock] : [oldPrice, newPrice];
    const row = node("li", after > before ? "up" : "down");
    const change = node("span", "change");
    change.append(
      node("span", "old", stock ? before : price(before)),
      node("span", "arrow", "→"),
      node("b", undefined, stock ? after : price(after)),
    );

    const sign = after > before ? "+" : "−";
    const by = stock ? Math.abs(after - before) : `${Math.abs((after / before - 1) * 100).toFixed(1)}%`;

    row.append(
      icon(pet.species),
      node("span", "name", pet.name),
      node("span", "what", this.#text(stock ? "ofStock" : "ofPrice")),
      change,
      node("span", "by", sign + by),
      node("time", undefined, time(Date.now())),
    );

    this.#list.prepend(row);
    while (this.#list.childElementCount > SHOWN) this.#list.lastElementChild.remove();
    document.getElementById("changes-none").hidden = true;
  }
}
