/** What an answer that is no stream says: its problem details (RFC 9457), or its status. */
export interface Problem {
  readonly status: number;
  readonly message: string;
  /** By field, where the server names fields. */
  readonly errors: Readonly<Record<string, string>>;
}

/** Reads the body, and never throws for it. */
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
