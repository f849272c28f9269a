import { useCallback, useEffect, useState } from 'preact/hooks';
import { get, ProblemError } from './client.ts';
import type { Endpoint } from './endpoints.ts';

export interface Loaded<Answer> {
  /** The newest answer; that of another address until the new one's is there. Null before the first. */
  readonly answer: Answer | null;
  /** The answer is that of another address. */
  readonly stale: boolean;
  /** Why the newest try failed; null where it did not. */
  readonly problem: ProblemError | null;
  readonly reload: () => void;
}

interface State<Answer> {
  /** The HTTP status of the answer. */
  readonly path: string;
  readonly answer: Answer | null;
  readonly problem: ProblemError | null;
}

/** Reads an endpoint: at once, whenever its address or `version` changes, and on request. */
export function useAnswer<Answer>(endpoint: Endpoint<Answer>, version: unknown = 0): Loaded<Answer> {
  const { path } = endpoint;
  const [state, setState] = useState<State<Answer>>({ path, answer: null, problem: null });
  const [turn, setTurn] = useState(0);
  // The path identifies the endpoint; version and turn request it again.
  useEffect(() => {
    const aborted = new AbortController();
    get(endpoint, aborted.signal).then(
      (answer) => setState({ path, answer, problem: null }),
      (error: unknown) => {
        if (aborted.signal.aborted) return;
        // An earlier answer must not pass for the answer to this request.
        setState((before) => ({
          path,
          answer: before.path === path ? before.answer : null,
          problem: asProblem(error),
        }));
      },
    );
    return () => aborted.abort();
  }, [path, version, turn]);
  const reload = useCallback(() => setTurn((last) => last + 1), []);
  const { answer, problem } = state;
  return { answer, problem, reload, stale: answer !== null && state.path !== path };
}

/** Any thrown value as a problem that can be shown. */
export function asProblem(error: unknown): ProblemError {
  if (error instanceof ProblemError) return error;
  return new ProblemError('unreadable', 0, error instanceof Error ? error.message : String(error), error);
}
