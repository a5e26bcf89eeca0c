// Whether StreamApi answers, for pages that have no stream to tell them while nothing was asked.
const EVERY = 5_000;
const note = document.getElementById("away");

/** Looks every few seconds while the page is seen; `back()` is called when StreamApi answers again. */
export async function watchStreamApi(back = () => {}) {
  for (;;) {
    if (!document.hidden) {
      const away = !(await reachable());
      if (note.hidden === away) {
        note.hidden = !away;
        if (!away) back();
      }
    }
    await new Promise((resolve) => setTimeout(resolve, EVERY));
  }
}

async function reachable() {
  try {
    const response = await fetch(`/status?after=${Number.MAX_SAFE_INTEGER}`, {
      signal: AbortSignal.timeout(EVERY),
      cache: "no-store",
    });
    // Not told to strangers; but it answers.
    return response.status === 401 || (response.ok && (await response.json()).reachable);
  } catch {
    return false;
  }
}
