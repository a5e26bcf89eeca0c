import { count, milliseconds, rate } from "../Shared/numbers.js";
import { reasonOf } from "../Shared/requests.js";
import { streamApi } from "../Shared/text.js";

/** Renders a question and its answer. */
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
    this.#element.dataset.status = "reading";

    const [asked, answer, words, outcome] = ["h2", "div", "p", "p"].map((name) => document.createElement(name));
    asked.className = "question";
    answer.className = "answer";
    words.className = "text";
    outcome.className = "outcome";

    asked.textContent = question ?? text("elsewhere");
    asked.classList.toggle("elsewhere", question === null);
    words.append(this.#words);
    answer.append(words, outcome);
    this.#element.append(asked, answer);
    this.#outcome = outcome;
  }

  get element() {
    return this.#element;
  }

  show(answer, fresh) {
    if (fresh === undefined || this.#words.length + fresh.length !== answer.text.length) this.#words.data = answer.text;
    else if (fresh !== "") this.#words.appendData(fresh);

    this.#element.dataset.status = answer.status;
    this.#element.setAttribute("aria-busy", answer.status === "running");
    const summary = this.#summary(answer).join(" · ");
    if (this.#outcome.dataset.summary === summary) return;

    this.#outcome.dataset.summary = summary;
    this.#outcome.replaceChildren(summary);
    this.#offerRetry(answer);
  }

  #summary({ status, state, first, speed, tokens, refusal }) {
    const text = this.#text;
    if (["refused", "retrying"].includes(status)) return [text(`${status}.why`, { reason: reasonOf(refusal, text) })];
    if (["reading", "missing", "unreachable"].includes(status)) return [text(status, { url: streamApi })];

    let outcome = text(status === "done" && state.finishReason === "length" ? "length" : status);
    if (status === "failed" || status === "interrupted") outcome = `${outcome} ${state.error ?? ""}`.trim();

    const about = state.usage ? "" : "≈ ";
    return [
      outcome,
      tokens && text("tokens", { count: about + count(tokens) }),
      speed && text("speed", { rate: about + rate(speed) }),
      first !== null && text("first", { ms: milliseconds(first) }),
      state.model && (state.model === state.provider ? state.model : `${state.provider} / ${state.model}`),
    ].filter(Boolean);
  }

  // Offers to ask again after a failure.
  #offerRetry({ status }) {
    if (!["failed", "interrupted", "cancelled"].includes(status) || !this.#again) return;

    const button = document.createElement("button");
    button.type = "button";
    button.className = "button small";
    button.textContent = this.#text("again");
    button.addEventListener("click", this.#again);
    this.#outcome.append(" ", button);
  }
}
