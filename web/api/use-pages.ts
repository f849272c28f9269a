import { useEffect, useRef, useState } from 'preact/hooks';
import { returns } from '../live/mirror.ts';
import type { Page } from './answers.ts';
import type { ProblemError } from './client.ts';
import { get } from './client.ts';
import type { Endpoint } from './endpoints.ts';
import { asProblem } from './use-answer.ts';

export interface Pages<Item> {
  readonly items: readonly Item[] | null;
  readonly problem: ProblemError | null;
  readonly loading: boolean;
  readonly hasMore: boolean;
  readonly more: () => void;
}

interface State<Item> {
  readonly items: readonly Item[] | null;
  readonly cursor: string | null;
  readonly problem: ProblemError | null;
  readonly loading: boolean;
}

/** A list that grows at its end. It restarts when `key` or `version` changes. */
export function usePages<Item>(
  at: (cursor: string | undefined) => Endpoint<Page<Item>>,
  key: string | number,
  version: unknown = 0,
): Pages<Item> {
  const [state, setState] = useState<State<Item>>(FIRST);
  // A page must not be added to a list that was replaced in the meantime.
  const turn = useRef(0);
  const load = async (before: readonly Item[], cursor: string | undefined) => {
    turn.current += 1;
    const mine = turn.current;
    setState((last) => ({ ...last, loading: true }));
    try {
      const { items, nextCursor } = await get(at(cursor));
      if (turn.current !== mine) return;
      setState({ items: [...before, ...items], cursor: nextCursor, problem: null, loading: false });
    } catch (error) {
      if (turn.current !== mine) return;
      setState((last) => ({ ...last, problem: asProblem(error), loading: false }));
    }
  };
  // The key identifies the list; version requests it again.
  useEffect(() => {
    void load([], undefined);
    return () => {
      turn.current += 1;
    };
  }, [key, version]);
  const { items, cursor, problem, loading } = state;
  const more = () => void load(items ?? [], cursor ?? undefined);
  // Retry the part that failed while the service was away; the rest stays open.
  useEffect(() => {
    if (problem !== null) more();
  }, [returns.value]);
  return { items, problem, loading, hasMore: cursor !== null, more };
}

const FIRST = { items: null, cursor: null, problem: null, loading: true } as const;
