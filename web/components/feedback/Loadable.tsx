import type { ComponentChildren } from 'preact';
import type { ProblemError } from '../../api/client.ts';
import { texts } from '../../i18n/texts.ts';
import { Problem } from './Problem.tsx';

interface LoadableProps<Answer> {
  readonly of: {
    readonly answer: Answer | null;
    readonly stale: boolean;
    readonly problem: ProblemError | null;
    readonly reload: () => void;
  };
  readonly children: (answer: Answer) => ComponentChildren;
}

/** The loaded content, a loading message, or the error. An older answer stays visible, dimmed. */
export function Loadable<Answer>({
  of: { answer, stale, problem, reload },
  children,
}: LoadableProps<Answer>) {
  const { common } = texts.value;
  return (
    <>
      {problem !== null && (
        <div class="notice bad" role="alert">
          <p>
            <strong>{common.failed}</strong> <Problem problem={problem} />
          </p>
          <button type="button" onClick={reload}>
            {common.tryAgain}
          </button>
        </div>
      )}
      {answer === null && problem === null && <p class="quiet loading">{common.loading}</p>}
      {answer !== null && (
        <div class="loaded" aria-busy={stale}>
          {children(answer)}
        </div>
      )}
    </>
  );
}
