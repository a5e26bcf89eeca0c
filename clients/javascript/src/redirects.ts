import { check, sendable, Unusable } from "./request.js";

const REDIRECTS = [301, 302, 303, 307, 308];
const MAX_REDIRECTS = 20; // as in the Fetch standard

// Headers that are no secret, or that `fetch` itself keeps at their origin.
const HARMLESS = ["accept", "accept-language", "content-language", "content-type", "authorization"];

// A browser would follow the redirect with the caller's headers.
const REDIRECTED = new Unusable("The server redirects to another address. Use that one: it may be of another origin.");

// There, `fetch` alone can follow. Elsewhere it would report a redirect that leads nowhere as a lost connection.
const isPage = (): boolean => "location" in globalThis;

/** Returns the names of the caller's headers that may be keys. @internal */
export const secretsOf = (headers: Headers): string[] => [...headers.keys()].filter((name) => !HARMLESS.includes(name));

/**
 * Follows redirects as `fetch` does, but without these headers to another origin: `fetch` drops `Authorization` and
 * cookies only. A browser does not show where a redirect leads to, so there it is an error if there are such headers.
 * @internal
 */
export async function follow(
  send: typeof fetch,
  url: string,
  init: RequestInit & { headers: Headers },
  secrets: readonly string[],
): Promise<[response: Response, redirected: boolean]> {
  for (let hops = 0; ; hops++) {
    const response = await send(url, { ...init, redirect: secrets.length > 0 || !isPage() ? "manual" : "follow" });
    if (response.type === "opaqueredirect") throw REDIRECTED;

    const location = REDIRECTS.includes(response.status) ? response.headers.get("location") : null;
    if (location === null || hops === MAX_REDIRECTS) return [response, hops > 0 || response.redirected];

    await response.body?.cancel();

    const target = sendable(() => new URL(location, response.url));
    if (target.origin !== new URL(response.url).origin)
      for (const name of [...secrets, "authorization"]) init.headers.delete(name);

    if ((response.status === 303 && init.method !== "HEAD") || (response.status < 303 && init.method === "POST")) {
      init = { ...init, method: "GET", body: null };
      init.headers.delete("content-type");
    }

    url = target.href;
    check(url, init);
  }
}
