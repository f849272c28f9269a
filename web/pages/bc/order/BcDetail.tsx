import { useState } from 'preact/hooks';
import type { Document, Model } from '../../../api/answers.ts';
import { documentAt, resyncAt } from '../../../api/endpoints.ts';
import { useAnswer } from '../../../api/use-answer.ts';
import { useRequest } from '../../../api/use-request.ts';
import { Ago, Moment } from '../../../components/data/Moment.tsx';
import { Loadable } from '../../../components/feedback/Loadable.tsx';
import { Outcome } from '../../../components/feedback/Outcome.tsx';
import { Icon } from '../../../components/layout/Icon.tsx';
import { Title } from '../../../components/layout/Title.tsx';
import { moment } from '../../../i18n/format.ts';
import { texts } from '../../../i18n/texts.ts';
import { epoch } from '../../../live/mirror.ts';
import { FieldsCard } from './FieldsCard.tsx';
import { HistoryCard } from './HistoryCard.tsx';
import { LinesCard } from './LinesCard.tsx';

interface BcDetailProps {
  readonly id: number;
  readonly header: Model;
  readonly lines: Model | undefined;
}

export function BcDetail({ id, header, lines }: BcDetailProps) {
  const { bc, actions } = texts.value;
  const [version, setVersion] = useState(0);
  const { requested, send, isBusy } = useRequest(() => setVersion((last) => last + 1));
  const turn = `${version} ${epoch.value}`;
  // Contents of files are not shown, so they are not fetched: one may have megabytes.
  const fields = header.fields.filter(({ type }) => type !== 'binary').map(({ name }) => name);
  const loaded = useAnswer(documentAt(id, { fields: fields.join() }), turn);
  const name = nameOf(loaded.answer) ?? String(id);
  return (
    <>
      <div class="page-head">
        <Title text={bc.one(name)} />
        <button type="button" class="primary" disabled={isBusy} onClick={() => void send(resyncAt(id))}>
          <Icon name="sync" /> {actions.resyncThis}
        </button>
      </div>
      <Outcome of={requested} />
      <Loadable of={loaded}>
        {(document) => (
          <>
            <Stamps of={document} />
            <FieldsCard model={header} values={document.fields} />
            {lines !== undefined && (
              <LinesCard
                model={lines}
                id={id}
                version={document.changedAt}
                isArchived={document.archivedAt !== null}
              />
            )}
            <HistoryCard
              header={header}
              lines={lines}
              id={id}
              version={document.changedAt}
              values={document.fields}
            />
          </>
        )}
      </Loadable>
    </>
  );
}

function Stamps({
  of: { odooId, archivedAt, archiveReason, changedAt, syncedAt },
}: {
  readonly of: Document;
}) {
  const { bc, common } = texts.value;
  return (
    <>
      {archivedAt !== null && (
        <p class="notice warn">
          <Icon name="alert" /> {bc.archivedSince(archiveReason, moment(new Date(archivedAt)))}
        </p>
      )}
      <p class="quiet">
        {bc.odooId} {odooId} · {common.labelled(bc.changedAt)} <Moment at={changedAt} /> ·{' '}
        {common.labelled(bc.syncedAt)} <Ago at={syncedAt} />
      </p>
    </>
  );
}

function nameOf(document: Document | null): string | null {
  const names = [document?.fields['name'], document?.fields['display_name']];
  return names.find((name): name is string => typeof name === 'string' && name !== '') ?? null;
}
