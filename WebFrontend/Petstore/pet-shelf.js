import { icon, iconOf, node, price } from "./pet-format.js";

const FULL = 100; // stock that fills the bar

function levelOf(stock) {
  if (stock === 0) return "none";
  return stock < 10 ? "low" : "enough";
}

/** One card per pet. A change highlights its card. */
export class PetShelf {
  #list;
  #text;
  #chosen;
  #onchoose;
  #pets = new Map();
  #cards = new Map();

  constructor(list, text, onchoose) {
    this.#list = list;
    this.#text = text;
    this.#onchoose = onchoose;
  }

  get size() {
    return this.#pets.size;
  }

  get stock() {
    return [...this.#pets.values()].reduce((sum, pet) => sum + pet.stock, 0);
  }

  get(id) {
    return this.#pets.get(id);
  }

  icon(use, { species }) {
    use.setAttribute("href", iconOf(species));
    use.parentElement.setAttribute("class", `icon ${species}`);
  }

  show(pets) {
    this.#pets = new Map(pets.map((pet) => [pet.id, pet]));
    for (const [id, card] of this.#cards) if (!this.#pets.has(id)) card.item.remove();

    for (const pet of pets) {
      if (!this.#cards.has(pet.id)) this.#cards.set(pet.id, this.#card(pet));
      this.#list.append(this.#cards.get(pet.id).item);
      this.#write(pet);
    }

    if (!this.#pets.has(this.#chosen) && pets.length > 0) this.choose(pets[0].id);
  }

  /** Applies a change. Returns false if the pet already had that value. */
  change(type, { petId, newStock, newPrice }) {
    const pet = this.#pets.get(petId);
    if (!pet || (type === "stock-change" ? pet.stock === newStock : pet.price === newPrice)) return false;

    if (type === "stock-change") pet.stock = newStock;
    else pet.price = newPrice;

    this.#write(pet);
    const place = this.#cards.get(petId)[type === "stock-change" ? "stock" : "price"];
    place.animate([{ backgroundColor: "var(--fresh)" }, {}], { duration: 1600, easing: "ease-out" });

    return true;
  }

  choose(id) {
    if (!this.#pets.has(id)) return;
    this.#chosen = id;
    for (const [of, { button }] of this.#cards) button.setAttribute("aria-pressed", of === id);
    this.#onchoose(this.#pets.get(id));
  }

  #card(pet) {
    const item = node("li");
    const button = node("button", "pet");
    button.type = "button";
    button.setAttribute("aria-pressed", "false");
    button.dataset.pet = pet.id;

    const stock = node("span", "stock");
    const bar = node("span", "bar");
    const level = node("span", "level");
    bar.append(level);
    const cost = node("span", "price");

    button.append(icon(pet.species), node("b", "name", pet.name), node("span", "breed", pet.breed), cost, bar, stock);
    button.addEventListener("click", () => this.choose(pet.id));
    item.append(button);

    return { item, button, stock, price: cost, level };
  }

  #write({ id, price: cost, stock }) {
    const card = this.#cards.get(id);
    card.price.textContent = price(cost);
    card.stock.textContent = this.#text("stock", { count: stock });
    card.level.style.width = `${Math.min(100, (stock / FULL) * 100)}%`;
    card.button.dataset.level = levelOf(stock);
  }
}
