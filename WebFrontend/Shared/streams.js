import { shareAcrossTabs, SseClient, whileHidden } from "../lib/sse.js";

// How every page reads its streams: over HTTP/1.1 a browser opens six connections to a host, so a tab that has been hidden for some seconds
// gives its own up, and goes on after the last event when it is shown.
const HIDDEN = 5_000;

export const openStream = (url, options) => new SseClient(url, { pauseWhenHidden: HIDDEN, ...options });

/** One connection for all tabs that read the same. */
export const shareStream = (url) => shareAcrossTabs(url, { pauseWhenHidden: HIDDEN });

/** Tells when the tab has been hidden for so long, and when it is shown after that. */
export const onHidden = (tell) => whileHidden(HIDDEN, tell);
