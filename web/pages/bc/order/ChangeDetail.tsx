import type { Change, Model, Values } from '../../../api/answers.ts';
import { Icon } from '../../../components/layout/Icon.tsx';
import { texts } from '../../../i18n/texts.ts';
import { idOf } from '../values.ts';
import { FieldChanges } from './FieldChanges.tsx';
import { LineSummary } from './LineSummary.tsx';

interface ChangeDetailProps {
  readonly changes: Change['changes'];
  readonly header: Model;
  readonly lines: Model | undefined;
  readonly values: Values;
}

/** One change of a BC: its fields, then its lines. */
export function ChangeDetail({ changes, header, lines, values }: ChangeDetailProps) {
  const { changed } = texts.value.bc;
  const { header: fields = {}, linesAdded = [], linesRemoved = [], linesChanged = {} } = changes;
  const cameAndWent = [
    ...linesAdded.map((line) => ({ line, sign: 'added' as const })),
    ...linesRemoved.map((line) => ({ line, sign: 'removed' as const })),
  ];
  return (
    <>
      {Object.keys(fields).length > 0 && (
        <FieldChanges changes={fields} model={header} values={values} without={lines?.model} />
      )}
      {lines !== undefined &&
        cameAndWent.map(({ line, sign }) => (
          <LineSummary
            key={`${sign} ${idOf(line)}`}
            line={line}
            model={lines}
            values={values}
            sign={sign}
            without={header.model}
          />
        ))}
      {lines !== undefined &&
        Object.entries(linesChanged).map(([id, fieldsOfLine]) => (
          <div key={id} class="line-change">
            <h4>
              <Icon name="pencil" /> {changed.lineChanged(id)}
            </h4>
            <FieldChanges changes={fieldsOfLine} model={lines} values={values} />
          </div>
        ))}
    </>
  );
}
