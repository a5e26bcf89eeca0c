/** An error response: its problem details (RFC 9457), or its status. */
export interface Problem {
  readonly status: number;
  readonly message: string;
  /** Messages by field; empty if the server names no fields. */
  readonly errors: Readonly<Record<string, string>>;
}

const LIMIT = 1_000; // milliseconds for a body, which may have no end
const MAX_LENGTH = 65_536;

/** Reads what comes of the body within a second as problem details. Never throws. */
export async function problemOf(response: Response): Promise<Problem> {
  const { status } = response;
  try {
    const problem = JSON.parse(await beginningOf(response));
    return {
      status,
      message: problem.detail ?? problem.title ?? `${status}`,
      errors: Object.fromEntries(
        Object.entries(problem.errors ?? {}).map(([field, texts]) => [field, [texts].flat().join(" ")]),
      ),
    };
  } catch {
    return { status, message: `${status} ${response.statusText}`.trim(), errors: {} };
  }
}

async function beginningOf({ body }: Response): Promise<string> {
  const reader = body!.getReader();
  const stop = () => void reader.cancel().catch(() => {});
  const timer = setTimeout(stop, LIMIT);
  const decoder = new TextDecoder();
  let text = "";

  try {
    while (text.length < MAX_LENGTH) {
      const { done, value } = await reader.read();
      if (done) break;
      text += decoder.decode(value, { stream: true });
    }
  } catch {
    // The connection broke: what has come may be whole.
  }

  clearTimeout(timer);
  stop();
  return text;
}
