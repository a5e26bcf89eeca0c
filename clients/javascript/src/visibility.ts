/** The longest time of a timer in milliseconds; a longer one, as `Infinity`, would end at once. @internal */
export const LONGEST_TIMER = 2 ** 31 - 1;

/**
 * Calls `changed(true)` when the page has been hidden for `pause` milliseconds (`true`: at once), and `changed(false)`
 * when it is shown again. @returns a function that stops watching. @internal
 */
export function whileHidden(pause: boolean | number | undefined, changed: (hidden: boolean) => void): () => void {
  if (pause === undefined || pause === false || typeof document !== "object") return () => {};

  const page = document;
  let reported = false;
  let timer: ReturnType<typeof setTimeout> | undefined;

  const report = (hidden: boolean) => {
    if (hidden !== reported) changed((reported = hidden));
  };

  const check = () => {
    clearTimeout(timer);
    if (!page.hidden) report(false);
    else if (typeof pause === "number") timer = setTimeout(report, Math.min(pause, LONGEST_TIMER), true);
    else report(true);
  };

  page.addEventListener("visibilitychange", check);
  check();

  return () => {
    clearTimeout(timer);
    page.removeEventListener("visibilitychange", check);
  };
}
