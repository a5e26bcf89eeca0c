import { followState, shareAcrossTabs, SseClient, whileHidden } from "../lib/sse.js";
import { streamApi } from "./text.js";

// Opens the pages' streams. A browser opens at most six HTTP/1.1 connections per host, so a tab closes its stream
// after some seconds in the background and resumes after the last event when it is shown.
const HIDDEN = 5_000; // milliseconds

/** Milliseconds without a byte after which a page says so: the server sends a comment after 15 s without an event. */
export const QUIET = 17_000;

const usual = { pauseWhenHidden: HIDDEN, quietAfter: QUIET };

export const openStream = (url, options) => new SseClient(url, { ...usual, ...options });

/** Reads a state of StreamApi with `read(request)` and `show(response)`, and streams its changes. */
export const openState = (path, options) => followState(`${streamApi}${path}`, { ...usual, ...options });

/** Opens a stream that all tabs with the same URL share. */
export const shareStream = (url) => shareAcrossTabs(url, usual);

/** Calls `changed(hidden)` when the tab has been in the background for that long, and when it is shown again. */
export const onHidden = (changed) => whileHidden(HIDDEN, changed);
