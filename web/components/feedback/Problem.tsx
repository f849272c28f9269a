import type { ProblemError } from '../../api/client.ts';
import type { Texts } from '../../i18n/texts.ts';
import { texts } from '../../i18n/texts.ts';
import { language } from '../../settings/language.ts';

const isKnown = (code: string): code is keyof Texts['problems'] => Object.hasOwn(texts.value.problems, code);

/** A problem in one sentence: ours where the code is known, else the service's own. */
function wordsOf({ code, message }: ProblemError): string {
  return isKnown(code) ? texts.value.problems[code] : message;
}

/** The error, with the service's own words if they add something. */
export function Problem({ problem }: { readonly problem: ProblemError }) {
  const words = wordsOf(problem);
  const own = problem.code === 'no_connection' || problem.message === words ? '' : problem.message;
  return (
    <>
      {words}
      {own !== '' && (
        <span class="original">
          {' '}
          {language.value !== 'en' && `${texts.value.common.original} `}
          <span lang="en">{own}</span>
        </span>
      )}
    </>
  );
}
