import { count, rate } from "../Shared/numbers.js";
import { ToolView } from "./tool-view.js";

/** A message to the agent and the steps of its answer. */
export class TurnView {
  element = document.createElement("li");
  #text;
  #again;
  #steps = document.createElement("ol");
  #outcome = document.createElement("p");
  #thinking;
  #textNode;
  #tools = new Map();
  #failed = false;

  constructor(turn, text, again) {
    this.#text = text;
    this.#again = again;
    this.element.className = "turn";
    this.#steps.className = "steps";
    this.#outcome.className = "outcome";

    const question = document.createElement("h2");
    question.className = "question";
    question.textContent = turn.message;
    this.element.append(question, this.#steps, this.#outcome);

    this.#thinking = this.#step("thinking", text("thinking"));
    for (const event of turn.events) this.add(event);
    this.end(turn);
  }

  add(event) {
    if (event.type === "content") this.#appendText(event.data);
    else if (event.type === "tool_use") {
      this.#textNode = undefined;
      const view = new ToolView(event, this.#text);
      this.#tools.set(event.id, view);
      this.#steps.append(view.element);
    } else if (event.type === "tool_result") this.#tools.get(event.id)?.end(event);
    else if (event.type === "error") {
      this.#textNode = undefined;
      this.#failed = true;
      this.#steps.append(this.#step("trouble", event.error));
    }

    // Between two steps the model is thinking.
    if (event.type === "tool_result") this.#steps.append(this.#thinking);
    else this.#thinking.remove();
  }

  /** Shows the outcome, or that the answer is still running. */
  end({ askedAt, endedAt }) {
    this.element.dataset.status = endedAt ? "done" : "running";
    this.element.setAttribute("aria-busy", !endedAt);
    if (!endedAt) return void (this.#steps.childElementCount === 0 && this.#steps.append(this.#thinking));

    this.#thinking.remove();
    const calls = this.#tools.size;
    const seconds = Math.max(0, Date.parse(endedAt) - Date.parse(askedAt)) / 1000;
    this.#outcome.textContent = [
      this.#text("took", { seconds: rate(seconds) }),
      calls > 0 && this.#text("calls", { count: count(calls) }),
    ]
      .filter(Boolean)
      .join(" · ");

    if (!this.#failed) return;

    const button = document.createElement("button");
    button.type = "button";
    button.className = "button small";
    button.textContent = this.#text("again");
    button.addEventListener("click", this.#again);
    this.#outcome.append(" ", button);
  }

  #appendText(words) {
    if (!this.#textNode) {
      const step = this.#step("says", "");
      this.#textNode = step.firstChild.appendChild(document.createTextNode(""));
      this.#steps.append(step);
    }

    this.#textNode.appendData(words);
  }

  #step(kind, words) {
    const [step, text] = ["li", "p"].map((name) => document.createElement(name));
    step.className = `step ${kind}`;
    text.className = "text";
    text.textContent = words;
    step.append(text);

    return step;
  }
}
