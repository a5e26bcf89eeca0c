import { count, milliseconds, rate } from "../Shared/numbers.js";
import { streamApi } from "../Shared/text.js";

/** A question and its answer on the page. */
export class AnswerView {
  #element;
  #text;
  #words = document.createTextNode("");
  #outcome;
  #again;

  constructor(question, text, again) {
    this.#text = text;
    this.#again = again;
    this.#element = document.createElement("li");
    this.#element.className = "turn";
    const [asked, answer, words, outcome] = ["h2", "div", "p", "p"].map((name) => document.createElement(name));
    [asked.className, answer.className, words.className, outcome.className] = ["question", "answer", "text", "outcome"];
    asked.textContent = question ?? text("elsewhere");
    asked.classList.toggle("elsewhere", question === null);
    words.append(this.#words);
    answer.append(words, outcome);
    this.#element.append(asked, answer);
    this.#outcome = outcome;
    this.#element.dataset.status = "reading";
  }

  get element() {
    return this.#element;
  }

  show(answer, fresh) {
    if (fresh === undefined || this.#words.length + fresh.length !== answer.text.length) this.#words.data = answer.text;
    else if (fresh !== "") this.#words.appendData(fresh);
    this.#element.dataset.status = answer.status;
    this.#element.setAttribute("aria-busy", answer.status === "running");
    const said = this.#says(answer).join(" · ");
    if (this.#outcome.dataset.said === said) return;
    this.#outcome.dataset.said = said;
    this.#outcome.replaceChildren(said);
    this.#offer(answer);
  }

  #says({ status, state, first, speed, tokens }) {
    const text = this.#text;
    if (["reading", "missing", "unreachable"].includes(status)) return [text(status, { url: streamApi })];
    const outcome =
      status === "done" && state.finishReason === "length"
        ? text("length")
        : status === "failed" || status === "interrupted"
          ? `${text(status)} ${state.error ?? ""}`.trim()
          : text(status);
    const about = state.usage ? "" : "≈ ";
    return [
      outcome,
      tokens && text("tokens", { count: about + count(tokens) }),
      speed && text("speed", { rate: about + rate(speed) }),
      first !== null && text("first", { ms: milliseconds(first) }),
      state.model && (state.model === state.provider ? state.model : `${state.provider} / ${state.model}`),
    ].filter(Boolean);
  }

  // Where it came to nothing: the way out.
  #offer({ status }) {
    if (!["failed", "interrupted", "cancelled"].includes(status) || !this.#again) return;
    const button = document.createElement("button");
    [button.type, button.className, button.textContent] = ["button", "button small", this.#text("again")];
    button.addEventListener("click", this.#again);
    this.#outcome.append(" ", button);
  }
}
