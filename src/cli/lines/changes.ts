import type { DocumentChanges, FieldChange } from '../../db/schema/audit.ts';
import { shorten, type Words } from '../text.ts';

/** Longer values are cut. */
const MAX_VALUE = 60;

/** The fields of an added or removed line that are shown, if it has them. */
const FIELDS_OF_A_LINE = 4;

/** A change as lines of text: `field: old → new`, `+ line`, `- line`, `~ line`. */
export function changeLines(changes: DocumentChanges, { document }: Words): string[] {
  const { header = {}, linesAdded = [], linesRemoved = [], linesChanged = {} } = changes;
  return [
    ...fieldLines(header),
    ...linesAdded.map((line) => `+ ${lineText(line, document)}`),
    ...linesRemoved.map((line) => `- ${lineText(line, document)}`),
    ...Object.entries(linesChanged).flatMap(([id, fields]) => [
      `~ line ${id}`,
      ...fieldLines(fields).map((line) => `    ${line}`),
    ]),
  ];
}

function fieldLines(fields: Readonly<Record<string, FieldChange>>): string[] {
  return Object.entries(fields).map(
    ([name, change]) => `${name}: ${short(change.old)} → ${short(change.new)}`,
  );
}

function lineText(line: unknown, document: Words['document']): string {
  const { id, moved, ...fields } = Object(line) as Record<string, unknown>;
  if (moved === true) return `line ${id}, which belongs to another ${document} now`;
  const shown = Object.entries(fields)
    .filter(([, value]) => typeof value === 'string' || typeof value === 'number')
    .slice(0, FIELDS_OF_A_LINE)
    .map(([name, value]) => `${name} ${short(value)}`);
  return [`line ${id}`, ...shown].join(', ');
}

const short = (value: unknown) => shorten(JSON.stringify(value) ?? 'null', MAX_VALUE);
