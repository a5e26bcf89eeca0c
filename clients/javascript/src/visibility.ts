/**
 * Tells when the page has been hidden for as long as `pause` says (`true`: at once), and when it is shown again after that.
 * @returns ends that. @internal
 */
export function whileHidden(pause: boolean | number | undefined, tell: (hidden: boolean) => void): () => void {
  if (pause === undefined || pause === false || typeof document !== "object") return () => {};
  const page = document;
  let told = false;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const say = (hidden: boolean) => {
    if (hidden !== told) tell((told = hidden));
  };
  const look = () => {
    clearTimeout(timer);
    if (!page.hidden) say(false);
    else if (typeof pause === "number") timer = setTimeout(say, pause, true);
    else say(true);
  };
  page.addEventListener("visibilitychange", look);
  look();
  return () => {
    clearTimeout(timer);
    page.removeEventListener("visibilitychange", look);
  };
}
