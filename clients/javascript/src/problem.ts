/** An error response: its problem details (RFC 9457), or its status. */
export interface Problem {
  readonly status: number;
  readonly message: string;
  /** Messages by field; empty if the server names no fields. */
  readonly errors: Readonly<Record<string, string>>;
}

/** Reads the body as problem details. Never throws. */
export async function problemOf(response: Response): Promise<Problem> {
  const { status } = response;
  try {
    const problem = await response.json();
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
