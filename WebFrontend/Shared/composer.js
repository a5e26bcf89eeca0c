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

const end = (form) => form.parentElement.getBoundingClientRect().bottom - innerHeight;

/** Returns true if the end of the conversation is visible, so that new text should be scrolled into view. */
export const atEnd = (form) => end(form) < 160;
export const toEnd = (form) => scrollBy({ top: end(form) + 16, behavior: "instant" });
