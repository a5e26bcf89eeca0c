import { InventoryTicker } from "./inventory-ticker.js";
import { OrderTracker } from "./order-tracker.js";
import { PetShelf } from "./pet-shelf.js";
import { Recommendations } from "./recommendations.js";
import { count } from "../Shared/numbers.js";
import { newId } from "../Shared/ids.js";
import { price } from "./pet-format.js";
import { reasonOf, send } from "../Shared/requests.js";
import { openState } from "../Shared/streams.js";
import { StreamState } from "../Shared/StreamStateView.razor.js";
import { fieldError, streamApi, textsOf } from "../Shared/text.js";

const element = (id) => document.getElementById(id);
const text = textsOf(element("petstore"));
const form = element("order");
const shelf = new PetShelf(element("pets"), text, choose);
const ticker = new InventoryTicker(element("changes"), shelf, text);
const orders = new OrderTracker(element("orders"), shelf, text);
const recommendations = new Recommendations(element("recommendations"), shelf, text, (pet) => shelf.choose(pet));
const state = new StreamState(text, () => (stream.state.state === "closed" ? follow() : stream.reconnect()));
let stream;
let chosen;
let placing = false;
let unanswered; // { key, body } of the last order until its answer is known

follow();

function follow() {
  stream = openState("/v1/inventory/stream", {
    read: (request) => fetch(`${streamApi}/v1/pets`, request),
    show,
  });

  for (const type of ["stock-change", "price-change"]) stream.on(type, change);
  stream.onState((now) => state.show(now));
}

async function show(pets) {
  const first = shelf.size === 0;
  shelf.show(await pets.json());
  element("pets-loading").hidden = true;
  showStock();

  if (first) {
    orders.restore();
    score();
  }
}

function change(message) {
  const { type } = message;
  const inventory = message.json();

  if (!shelf.change(type, inventory)) return;
  ticker.add(type, inventory);
  showStock();
}

function showStock() {
  element("in-stock").textContent = text("inStock", { count: count(shelf.stock) });
  total();
}

function choose(pet) {
  chosen = pet;
  shelf.icon(element("chosen-icon"), pet);
  element("chosen").textContent = pet.name;
  form.querySelector("button").disabled = false;
  total();
}

function total() {
  if (!chosen) return;
  const pet = shelf.get(chosen.id);
  const quantity = Number(form.elements.quantity.value);
  put("chosen-about", text("each", { price: price(pet.price) }));
  put("total", quantity > 0 ? price(pet.price * quantity) : "–"); // read aloud
}

function score() {
  const user = form.elements.userId.value;
  element("recommended-for").textContent = text("for", { user });

  recommendations.start(user, (said, { aloud = true } = {}) => {
    element("scored").textContent = said;
    if (aloud) element("scored-said").textContent = said;
  });
}

form.elements.quantity.addEventListener("input", () => {
  if (form.elements.quantity.validity.valid) fieldError(form.elements.quantity);
  total();
});

form.elements.userId.addEventListener("change", score);
element("score").addEventListener("click", score);

// One order per intention: not two for a double click or a held key.
form.querySelector("button").addEventListener("click", (click) => click.detail > 1 && click.preventDefault());
form.addEventListener("keydown", (key) => key.key === "Enter" && key.repeat && key.preventDefault());
form.addEventListener("submit", async (submit) => {
  submit.preventDefault();
  const { quantity, userId } = form.elements;
  if (!fieldError(quantity, quantity.validity.valid ? null : text("badQuantity"))) return quantity.focus();
  if (placing) return;

  say("");
  placing = true;
  const asked = { petId: chosen.id, quantity: Number(quantity.value), userId: userId.value };

  // The same order again after a lost answer: the server returns the one that it has placed.
  const body = JSON.stringify(asked);
  if (unanswered?.body !== body) unanswered = { key: newId(), body };

  try {
    const order = await send("POST", "/v1/orders", asked, unanswered.key);
    unanswered = undefined;
    orders.follow(order);
    say(text("ordered", { name: shelf.get(order.petId).name, quantity: order.quantity }), "good");
  } catch (error) {
    if (error.errors?.quantity) fieldError(quantity, text("tooMany", { stock: count(shelf.get(chosen.id).stock) }));
    else say(text("notOrdered", { reason: reasonOf(error, text) }), "bad");
  } finally {
    placing = false;
  }
});

function put(id, value) {
  if (element(id).textContent !== value) element(id).textContent = value;
}

function say(message, kind = "") {
  element("order-result").textContent = message;
  element("order-result").className = kind;
}
