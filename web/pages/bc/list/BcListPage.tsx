import { modelAt } from '../../../api/endpoints.ts';
import { useAnswer } from '../../../api/use-answer.ts';
import { Loadable } from '../../../components/feedback/Loadable.tsx';
import { Title } from '../../../components/layout/Title.tsx';
import { texts } from '../../../i18n/texts.ts';
import { BcBrowser } from './BcBrowser.tsx';

/** All BCs of the mirror, as the model says they can be searched. */
export function BcListPage() {
  const loaded = useAnswer(modelAt());
  return (
    <>
      <Title text={texts.value.bc.title} />
      <Loadable of={loaded}>
        {({ models: [header] }) => header !== undefined && <BcBrowser model={header} />}
      </Loadable>
    </>
  );
}
