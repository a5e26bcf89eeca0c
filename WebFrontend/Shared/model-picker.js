import { browserStorage } from "./storage.js";
import { streamApi } from "./text.js";

const KEY = "model";

/** Fills a select with StreamApi's models by provider. `chosen()` returns the request's members for the choice. */
export class ModelPicker {
  #select;

  constructor(select) {
    this.#select = select;
    select.addEventListener("change", () => browserStorage.set(KEY, select.value));
    this.fill();
  }

  chosen() {
    const { provider, model } = this.#select.selectedOptions[0]?.dataset ?? {};
    return provider ? { provider, model } : {};
  }

  /** Reads the list again. */
  async fill() {
    let models;
    try {
      const response = await fetch(`${streamApi}/v1/models`, { signal: AbortSignal.timeout(10_000) });
      if (!response.ok) return;
      models = (await response.json()).data;
    } catch {
      return; // the server chooses
    }

    const groups = Map.groupBy?.(models, ({ owned_by }) => owned_by) ?? new Map([["", models]]);
    const options = [...groups].map(([provider, of]) => {
      const group = document.createElement("optgroup");
      group.label = provider;

      group.append(
        ...of.map(({ id, owned_by }) => {
          const option = document.createElement("option");
          option.value = `${owned_by}/${id}`;
          option.textContent = id;
          option.dataset.provider = owned_by;
          option.dataset.model = id;

          return option;
        }),
      );

      return group;
    });

    if (options.length === 0) return;

    const kept = browserStorage.get(KEY);
    this.#select.replaceChildren(...options);

    if ([...this.#select.options].some(({ value }) => value === kept)) this.#select.value = kept;
    else this.#select.value = "demo/demo"; // free of charge; else the first

    if (this.#select.selectedIndex < 0) this.#select.selectedIndex = 0;
  }
}
