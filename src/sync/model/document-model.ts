import { hash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { KeptModel } from '../../db/odoo-model/model-fingerprint.ts';
import { OdooFieldError } from '../../odoo/errors.ts';
import { referredId } from '../../odoo/field-policies.ts';
import { binaryFields, linesLink, NO_LINES_MODEL, readableFields } from '../../odoo/fields.ts';
import type { OdooFields, OdooRecord } from '../../odoo/types.ts';
import type { Selection, Source } from '../source/source.ts';
import type { DocumentDefinition, DocumentModel, MirroredModel } from '../types.ts';

/** Requests both models from Odoo: two calls. */
export async function describeDocument(
  source: Pick<Source, 'describe'>,
  definition: DocumentDefinition,
): Promise<DocumentModel> {
  const [header, line] = await Promise.all([
    source.describe(definition.model),
    source.describe(definition.lineModel),
  ]);
  return {
    header: mirrored(definition.model, header, definition),
    line: mirrored(definition.lineModel, line, definition),
    ...linesLink(definition, header, line),
  };
}

function mirrored(
  name: string,
  described: OdooFields,
  { binaries: wanted }: Pick<DocumentDefinition, 'binaries'>,
): MirroredModel {
  const binaries = binaryFields(described);
  if (wanted) return { name, fields: described, requested: readableFields(described), binaries };
  const fields = Object.fromEntries(
    Object.entries(described).map(([field, description]) => [
      field,
      binaries.includes(field) ? { ...description, mirrored: false as const } : description,
    ]),
  );
  const requested = readableFields(described).filter((field) => !binaries.includes(field));
  return { name, fields, requested, binaries };
}

/** The id of the header that a line names; null if it names none. */
export function headerOf(line: OdooRecord, inverse: string): number | null {
  return referredId(line[inverse]);
}

/** The lines of all BCs. A line without a BC is part of no document: it is not mirrored. */
export const ofAnyBc = ({ inverse }: DocumentModel): Selection => ({
  refersTo: { field: inverse, ids: 'any' },
});

/** A model without access log (`_log_access = False`) has no `write_date`, so changes cannot be detected. */
export function isDated({ header, line }: DocumentModel): boolean {
  return [header, line].every(
    ({ name, fields }) => name === NO_LINES_MODEL || Object.hasOwn(fields, 'write_date'),
  );
}

/** Odoo does not know a field that it described when the run began: the model was changed during the run. */
export function isModelChange(error: unknown): boolean {
  return error instanceof OdooFieldError;
}

/** Digest of each model description; computed once. */
const digests = new WeakMap<DocumentModel, string>();

/**
 * Distinguishes the descriptions that records were read with. With another description, the size text of a binary could
 * be taken for its content.
 */
export function modelDigest(model: DocumentModel): string {
  const known = digests.get(model);
  if (known !== undefined) return known;
  const parts = [model.header, model.line].map(({ name, requested, binaries, fields }) => [
    name,
    requested.toSorted(),
    binaries.toSorted(),
    ...policiesOf(fields),
  ]);
  const digest = hash('sha256', JSON.stringify(parts), 'base64url');
  digests.set(model, digest);
  return digest;
}

/** A reading that Redis keeps from before a policy holds values that must not be stored. Empty without policies. */
function policiesOf(fields: OdooFields): string[] {
  return Object.values(fields)
    .flatMap(({ name, policy, keyId = '' }) => (policy === undefined ? [] : [`${name} ${policy} ${keyId}`]))
    .toSorted();
}

/**
 * A description and the time of its request, by the clock of PostgreSQL. The later request is the newer description.
 */
export interface DescribedModel extends DocumentModel {
  readonly describedAt: Date;
}

/** Maximum of remembered runs: the one in progress and a few resyncs. */
const REMEMBERED = 8;

interface Remembered {
  readonly described: Promise<DescribedModel>;
  /** Null until Odoo has answered. */
  model: DescribedModel | null;
}

/** A description that was compared with the stored model, and the stored digest if both are equal. */
interface Compared {
  readonly described: string;
  readonly kept: KeptModel;
}

/** Remembers the description during a run, so that pages do not request it again. */
export class ModelMemory {
  /** The newest compared description. While neither side changes, they stay equal. */
  compared: Compared | null = null;
  readonly #models = new LRUCache<number, Remembered>({ max: REMEMBERED });

  /** The description of a run. A failed request is not remembered: the next job requests it again. */
  of(runId: number, describe: () => Promise<DescribedModel>): Promise<DescribedModel> {
    return this.#models.get(runId)?.described ?? this.#remember(runId, describe);
  }

  /** The description after `outdated` proved wrong. The first caller requests it, the others share the result. */
  renew(
    runId: number,
    outdated: DescribedModel,
    describe: () => Promise<DescribedModel>,
  ): Promise<DescribedModel> {
    const known = this.#models.get(runId);
    if (known !== undefined && known.model !== outdated) return known.described;
    return this.#remember(runId, describe);
  }

  #remember(runId: number, describe: () => Promise<DescribedModel>): Promise<DescribedModel> {
    const remembered: Remembered = { described: describe(), model: null };
    this.#models.set(runId, remembered);
    remembered.described.then(
      (model) => {
        remembered.model = model;
      },
      () => {
        if (this.#models.get(runId) === remembered) this.#models.delete(runId);
      },
    );
    return remembered.described;
  }
}
