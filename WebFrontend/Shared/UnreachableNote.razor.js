// Polls StreamApi for pages without an open stream.
const INTERVAL = 5_000; // milliseconds
const note = document.getElementById("away");

/** Polls while the page is visible. Calls `back()` when StreamApi answers again. */
export async function watchStreamApi(back = () => {}) {
  for (;;) {
    if (!document.hidden) {
      const unreachable = !(await reachable());
      if (note.hidden === unreachable) {
        note.hidden = !unreachable;
        if (!unreachable) back();
      }
    }

    await new Promise((resolve) => setTimeout(resolve, INTERVAL));
  }
}

async function reachable() {
  try {
    const response = await fetch(`/status?after=${Number.MAX_SAFE_INTEGER}`, {
      signal: AbortSignal.timeout(INTERVAL),
      cache: "no-store",
    });

    // A 401 also shows that the server answers.
    return response.status === 401 || (response.ok && (await response.json()).reachable);
  } catch {
    return false;
  }
}
