import { useEffect, useRef, useState } from 'preact/hooks';
import type { Accepted, RunWithProgress } from './answers.ts';
import type { ProblemError } from './client.ts';
import { get, post } from './client.ts';
import type { Endpoint } from './endpoints.ts';
import { runAt } from './endpoints.ts';
import { asProblem } from './use-answer.ts';

const LOOK_EVERY_MS = 500;
/** After an answer that did not come. */
const PAUSE_MS = 3000;

/** The state of a requested run. */
export type Requested =
  | { readonly step: 'idle' | 'sending' }
  | { readonly step: 'refused'; readonly problem: ProblemError }
  | { readonly step: 'following'; readonly runId: number; readonly run: RunWithProgress | null }
  | { readonly step: 'ended'; readonly run: RunWithProgress };

/** Asks for a run and follows it to its end. A new request takes the place of the last; `onEnd` hears of each end. */
export function useRequest(onEnd?: (run: RunWithProgress) => void) {
  const [requested, setRequested] = useState<Requested>({ step: 'idle' });
  const turn = useRef(0);
  useEffect(
    () => () => {
      turn.current += 1;
    },
    [],
  );

  const send = async (endpoint: Endpoint<Accepted>, body?: object) => {
    turn.current += 1;
    const mine = turn.current;
    const tell = (news: Requested) => {
      if (turn.current === mine) setRequested(news);
    };
    tell({ step: 'sending' });
    try {
      const { runId } = await post(endpoint, body);
      tell({ step: 'following', runId, run: null });
      const run = await follow(runId, () => turn.current === mine, tell);
      if (run === null) return;
      tell({ step: 'ended', run });
      onEnd?.(run);
    } catch (error) {
      tell({ step: 'refused', problem: asProblem(error) });
    }
  };
  const isBusy = requested.step === 'sending' || requested.step === 'following';
  return { requested, send, isBusy };
}

/** The run when it has ended; null after cancellation. */
async function follow(runId: number, isWanted: () => boolean, tell: (news: Requested) => void) {
  while (isWanted()) {
    const run = await get(runAt(runId)).catch(() => null);
    if (run !== null && run.finishedAt !== null) return run;
    if (run !== null) tell({ step: 'following', runId, run });
    await new Promise((resolve) => setTimeout(resolve, run === null ? PAUSE_MS : LOOK_EVERY_MS));
  }
  return null;
}
