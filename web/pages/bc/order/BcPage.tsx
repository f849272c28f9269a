import { modelAt } from '../../../api/endpoints.ts';
import { useAnswer } from '../../../api/use-answer.ts';
import { Loadable } from '../../../components/feedback/Loadable.tsx';
import { Link } from '../../../components/layout/Link.tsx';
import { texts } from '../../../i18n/texts.ts';
import { documentsHref } from '../../../router.ts';
import { BcDetail } from './BcDetail.tsx';

/** One BC: its fields, its lines if the mirror has any, its history. */
export function BcPage({ id }: { readonly id: number }) {
  const loaded = useAnswer(modelAt());
  return (
    <>
      <p class="up">
        <Link to={documentsHref()}>{texts.value.bc.title}</Link>
      </p>
      <Loadable of={loaded}>
        {({ models: [header, lines] }) =>
          header !== undefined && <BcDetail id={id} header={header} lines={lines} />
        }
      </Loadable>
    </>
  );
}
