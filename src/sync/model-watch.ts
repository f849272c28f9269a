import { saveFields } from '../db/fields.ts';
import type { Mirror } from './mirror.ts';
import type { DocumentModel } from './model.ts';

/**
 * Keeps what Odoo says of the model: its fields, what changed since, and the typed views that follow.
 *
 * @returns the newest change after which every record is to be read again; 0: there was none yet.
 */
export async function noteModel(
  { db, definition }: Mirror,
  _runId: number,
  model: DocumentModel,
): Promise<number> {
  await saveFields(db, definition.model, model.header.fields);
  await saveFields(db, definition.lineModel, model.line.fields);
  return 0;
}
