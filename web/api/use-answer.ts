import { useCallback, useEffect, useState } from 'preact/hooks';
import { get, ProblemError } from './client.ts';
import type { Endpoint } from './endpoints.ts';

export interface Loaded<Answer> {
  /** The newest answer; that of another address until the new one's is there. Null before the first. */
  readonly answer: Answer | null;
  /** Why the newest try failed; null where it did not. */
  readonly problem: ProblemError | null;
  readonly loading: boolean;
  readonly reload: () => void;
}

interface State<Answer> {
  readonly answer: Answer | null;
  readonly problem: ProblemError | null;
  readonly loading: boolean;
}

/** Reads an endpoint: at once, whenever its address or `version` changes, and when it is told to. */
export function useAnswer<Answer>(endpoint: Endpoint<Answer>, version: unknown = 0): Loaded<Answer> {
  const [state, setState] = useState<State<Answer>>({ answer: null, problem: null, loading: true });
  const [turn, setTurn] = useState(0);
  // The path says all of the endpoint; version and turn ask anew.
  useEffect(() => {
    const aborted = new AbortController();
    setState((before) => ({ ...before, loading: true }));
    get(endpoint, aborted.signal).then(
      (answer) => setState({ answer, problem: null, loading: false }),
      (error: unknown) => {
        if (aborted.signal.aborted) return;
        setState((before) => ({ ...before, problem: asProblem(error), loading: false }));
      },
    );
    return () => aborted.abort();
  }, [endpoint.path, version, turn]);
  const reload = useCallback(() => setTurn((last) => last + 1), []);
  return { ...state, reload };
}

/** Any thrown value as a problem that can be shown. */
export function asProblem(error: unknown): ProblemError {
  if (error instanceof ProblemError) return error;
  return new ProblemError('unreadable', 0, error instanceof Error ? error.message : String(error), error);
}
