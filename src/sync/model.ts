import { binaryFields, linesLink, readableFields } from '../odoo/description.ts';
import { OdooFieldError } from '../odoo/errors.ts';
import type { OdooClient, OdooFields } from '../odoo/types.ts';
import type { DocumentDefinition } from './document.ts';

/** One model of the document: which fields to ask for, and which of them are binaries. */
export interface MirroredModel {
  readonly name: string;
  readonly fields: OdooFields;
  readonly requested: readonly string[];
  readonly binaries: readonly string[];
}

/** The document as `fields_get` describes it. */
export interface DocumentModel {
  readonly header: MirroredModel;
  readonly line: MirroredModel;
  /** The header's one2many that holds the lines. */
  readonly linesField: string;
  /** The line's many2one to its header. */
  readonly inverse: string;
}

/** Asks Odoo for both models. Two calls. */
export async function describeDocument(
  odoo: OdooClient,
  definition: DocumentDefinition,
): Promise<DocumentModel> {
  const [header, line] = await Promise.all([
    odoo.fieldsGet(definition.model),
    odoo.fieldsGet(definition.lineModel),
  ]);
  return {
    header: mirrored(definition.model, header),
    line: mirrored(definition.lineModel, line),
    ...linesLink(definition, header, line),
  };
}

function mirrored(name: string, fields: OdooFields): MirroredModel {
  return { name, fields, requested: readableFields(fields), binaries: binaryFields(fields) };
}

/** Odoo does not know a field that it described when the run began: the model was changed under the run. */
export function isModelChange(error: unknown): boolean {
  return error instanceof OdooFieldError;
}

/** Runs remembered at once: the one in progress and a few resyncs beside it. */
const REMEMBERED = 8;

/** Remembers the description for as long as a run lasts, so that pages do not ask again. */
export class ModelMemory {
  readonly #models = new Map<number, Promise<DocumentModel>>();

  /** The description that belongs to a run. One that failed is not remembered: the next job asks again. */
  of(runId: number, describe: () => Promise<DocumentModel>): Promise<DocumentModel> {
    const known = this.#models.get(runId);
    if (known !== undefined) return known;
    const model = describe();
    this.#models.set(runId, model);
    model.catch(() => {
      if (this.#models.get(runId) === model) this.#models.delete(runId);
    });
    const [oldest] = this.#models.keys();
    if (this.#models.size > REMEMBERED && oldest !== undefined) this.#models.delete(oldest);
    return model;
  }

  /** Makes the next caller ask Odoo again: the model changed under the run. */
  forget(runId: number): void {
    this.#models.delete(runId);
  }
}
