// The form for a question: Enter sends, Shift + Enter inserts a line break, Enter in an input method only confirms.

export function composer(form, ask) {
  const question = form.querySelector("textarea");
  const error = document.getElementById("ask-error");

  const fit = () => {
    question.style.height = "auto";
    question.style.height = `${Math.min(question.scrollHeight + 2, innerHeight / 3)}px`;
  };

  question.addEventListener("input", () => (fit(), complain()));
  question.addEventListener("keydown", (key) => {
    if (key.key !== "Enter" || key.shiftKey || key.isComposing || key.keyCode === 229) return;
    key.preventDefault();
    form.requestSubmit();
  });

  form.addEventListener("submit", (submit) => {
    submit.preventDefault();
    const text = question.value.trim();
    if (text === "") return question.focus();
    ask(text);
  });

  function complain(message) {
    error.textContent = message ?? "";
    error.hidden = !message;
  }

  return {
    complain,
    clear() {
      question.value = "";
      fit();
    },
  };
}

const NEAR = 160; // pixels: the reader of the end may have scrolled back by this much

// Pixels from the place of the composer at the bottom of the window to the end of the conversation.
function end(form) {
  const gap = parseFloat(getComputedStyle(form).bottom);
  return form.parentElement.getBoundingClientRect().bottom + gap - innerHeight;
}

export const toEnd = (form) => scrollBy({ top: end(form), behavior: "instant" });

/**
 * Changes the conversation and scrolls new text into view if its end was visible. The composer does not move then, also
 * where the page was scrolled beyond the end: a button that moves under the pointer is not pressed.
 */
export function following(form, change) {
  const before = end(form);
  change();
  if (before < NEAR) scrollBy({ top: end(form) - Math.min(before, 0), behavior: "instant" });
}
