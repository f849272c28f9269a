/**
 * Finds out which models of an Odoo can be mirrored. It only reads, with the account of the mirrors and its limits.
 *
 * - `candidates.ts` lists the models: those of `ir.model`, or common ones if the user may not read it. Odoo 19.0 lets
 *   only administrators read it; Odoo 14.0 lets every employee. Common models lead to others by their relations.
 * - This file counts the records of each model, because only a search proves that the user may read it: `fields_get`
 *   answers for every model.
 * - `lines.ts` suggests the line model of a header.
 * - `mirrors-block.ts` writes the block for MIRRORS_FILE.
 *
 * Invariants: a model that is denied, fails or hangs does not stop the others; a server that fails every call does.
 *
 * ```ts
 * const found = await discover(odoo, { mirrors: config.mirrors, all: false, concurrency: 4 });
 * found.models[0]; // { model: 'purchase.order', records: 12, lines: { model: 'purchase.order.line', … }, … }
 * ```
 */
import type { MirrorSettings } from '../config/index.ts';
import {
  OdooAccessError,
  OdooAuthError,
  OdooDatabaseError,
  OdooEndpointError,
  OdooFieldError,
  OdooModelError,
} from '../odoo/errors.ts';
import type { OdooClient, OdooFields } from '../odoo/types.ts';
import { errorCode, errorMessage, PasserelleError } from '../shared/errors.ts';
import { closest } from '../shared/spelling.ts';
import { isReference, isTechnical, listCandidates, ownedLinks } from './candidates.ts';
import { type SuggestedLines, suggestLines } from './lines.ts';

/**
 * Odoo has no model of this name, or its module is not installed.
 *
 * @fix Use the name that the message suggests, or run `passerelle mirrors discover` for a list of the models.
 */
export class UnknownModelError extends PasserelleError {
  readonly code = 'unknown_model';
  constructor(model: string, target: string, known: readonly string[]) {
    const meant = closest(model, known);
    super(
      `Odoo at ${target} has no model ${JSON.stringify(model)}.${meant === undefined ? '' : ` Did you mean ${meant}?`} ` +
        'Run "passerelle mirrors discover" for a list of the models.',
    );
  }
}

/** The mirrors of the configuration, as far as models are compared with them. */
export type KnownMirror = Pick<MirrorSettings, 'name' | 'model' | 'lineModel'>;

export interface DiscoveredModel {
  readonly model: string;
  /** Null: the user may not read `ir.model`. */
  readonly label: string | null;
  /** Archived ones too. */
  readonly records: number;
  readonly lines: SuggestedLines | null;
  /** Without `write_date` every run reads all records. */
  readonly hasWriteDate: boolean;
  /** The mirror that has the model, as header or as lines. */
  readonly mirror: string | null;
}

interface FailedModel {
  readonly model: string;
  readonly code: string;
  readonly message: string;
}

interface Discovery {
  readonly source: 'ir.model' | 'common';
  /** Documents with lines first, reference data and technical models last; then by number of records. */
  readonly models: readonly DiscoveredModel[];
  /** Models that the user may not read. */
  readonly denied: readonly string[];
  readonly failed: readonly FailedModel[];
  /** Numbers of models that are left out of `models`. */
  readonly leftOut: { readonly technical: number; readonly empty: number; readonly lines: number };
}

interface DiscoverOptions {
  readonly mirrors: readonly KnownMirror[];
  /** Also technical models, line models, and models without records. */
  readonly all: boolean;
  /** Models that are asked for at the same time. */
  readonly concurrency: number;
  readonly onProgress?: (done: number, known: number) => void;
}

/** With so many failures in a row, the server and not a model is the cause. */
const MAX_FAILURES = 8;

interface Counted {
  readonly model: string;
  readonly records: number;
  /** Null: a model without records, whose fields were not needed. */
  readonly fields: OdooFields | null;
}

/** @throws the last error of Odoo if the server fails every call. */
export async function discover(odoo: OdooClient, options: DiscoverOptions): Promise<Discovery> {
  const { mirrors, all, concurrency, onProgress } = options;
  const configured = mirrors.flatMap(({ model, lineModel }) => [model, lineModel ?? model]);
  const { source, list } = await listCandidates(odoo, configured);
  const owned = await ownedLinks(odoo);
  const labels = new Map(list.map(({ model, label }) => [model, label]));
  const known = new Set(labels.keys());
  const isWanted = (model: string) => all || !isTechnical(model) || configured.includes(model);
  const waiting = [...known].filter(isWanted);
  const counted: Counted[] = [];
  const denied: string[] = [];
  const failed: FailedModel[] = [];
  let done = 0;
  let failuresInRow = 0;

  const count = async (model: string) => {
    const records = await odoo.searchCount(model, []);
    const fields = records > 0 || all || source === 'common' ? await odoo.fieldsGet(model) : null;
    counted.push({ model, records, fields });
    if (source === 'ir.model') return;
    for (const { relation } of Object.values(fields ?? {})) {
      if (relation === undefined || known.has(relation)) continue;
      known.add(relation);
      if (isWanted(relation)) waiting.push(relation);
    }
  };
  const note = (model: string, error: unknown) => {
    if (isFatal(error)) throw error;
    // The model is not installed, or it is abstract and has no table.
    const isAbsent = error instanceof OdooModelError || error instanceof OdooFieldError;
    const isDenied = error instanceof OdooAccessError;
    if (isDenied) denied.push(model);
    else if (!isAbsent) failed.push({ model, code: errorCode(error), message: errorMessage(error) });
    failuresInRow = isAbsent || isDenied ? 0 : failuresInRow + 1;
    if (failuresInRow === MAX_FAILURES) throw error;
  };
  await drain(waiting, concurrency, async (model) => {
    await count(model).then(
      () => {
        failuresInRow = 0;
      },
      (error) => note(model, error),
    );
    done += 1;
    onProgress?.(done, done + waiting.length);
  });

  const technical = [...known].filter((model) => !isWanted(model)).length;
  const found = counted.map((one) =>
    discovered({ ...one, label: labels.get(one.model) ?? null }, owned, mirrors),
  );
  return { source, ...arranged(found, all, technical), denied: denied.toSorted(), failed };
}

/** These errors are not about one model. */
const isFatal = (error: unknown): boolean =>
  [OdooAuthError, OdooDatabaseError, OdooEndpointError].some((type) => error instanceof type);

/** Runs `work` for each member of a queue, which may grow meanwhile. After an error the rest is left alone. */
async function drain(
  queue: string[],
  concurrency: number,
  work: (member: string) => Promise<void>,
): Promise<void> {
  const worker = async () => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) await work(next);
  };
  try {
    await Promise.all(Array.from({ length: concurrency }, worker));
  } finally {
    queue.length = 0;
  }
}

function discovered(
  { model, label, records, fields }: Counted & Pick<DiscoveredModel, 'label'>,
  owned: ReadonlySet<string>,
  mirrors: readonly KnownMirror[],
): DiscoveredModel {
  return {
    ...{ model, label, records },
    lines: fields === null ? null : (suggestLines(model, fields, owned)[0] ?? null),
    hasWriteDate: fields === null || Object.hasOwn(fields, 'write_date'),
    mirror: mirrors.find((own) => own.model === model || own.lineModel === model)?.name ?? null,
  };
}

/** The models in a useful order, without those that are left out. */
function arranged(
  found: readonly DiscoveredModel[],
  all: boolean,
  technical: number,
): Pick<Discovery, 'models' | 'leftOut'> {
  const readable = new Set(found.map(({ model }) => model));
  // A line model that the user may not read is of no use.
  const models = found.map((one) =>
    one.lines === null || readable.has(one.lines.model) ? one : { ...one, lines: null },
  );
  const lineModels = new Set(models.flatMap(({ lines }) => lines?.model ?? []));
  const isLine = ({ model }: DiscoveredModel) => lineModels.has(model);
  const isEmpty = (one: DiscoveredModel) => !isLine(one) && one.records === 0 && one.mirror === null;
  const shown = all ? models : models.filter((one) => !isLine(one) && !isEmpty(one));
  const rank = ({ model, lines, hasWriteDate }: DiscoveredModel) => {
    if (isTechnical(model)) return 4;
    if (!hasWriteDate) return 3;
    if (isReference(model)) return 2;
    return lines === null ? 1 : 0;
  };
  return {
    models: shown.toSorted(
      (one, other) =>
        rank(one) - rank(other) || other.records - one.records || (one.model < other.model ? -1 : 1),
    ),
    leftOut: all
      ? { technical: 0, empty: 0, lines: 0 }
      : { technical, empty: models.filter(isEmpty).length, lines: models.filter(isLine).length },
  };
}

/** A model that was named, with what the block for MIRRORS_FILE needs. */
export interface NamedModel extends DiscoveredModel {
  readonly fields: OdooFields;
  /** Null: the mirror has no lines. */
  readonly lineFields: OdooFields | null;
}

/** Those of the mirrors whose model this Odoo has. */
export async function installed<Mirror extends KnownMirror>(
  odoo: OdooClient,
  mirrors: readonly Mirror[],
): Promise<Mirror[]> {
  const found: Mirror[] = [];
  for (const mirror of mirrors) {
    try {
      await odoo.fieldsGet(mirror.model);
      found.push(mirror);
    } catch (error) {
      if (!(error instanceof OdooModelError)) throw error;
    }
  }
  return found;
}

/** @throws UnknownModelError, OdooAccessError if the user may not read one of the models. */
export async function describeModels(
  odoo: OdooClient,
  names: readonly string[],
  mirrors: readonly KnownMirror[],
): Promise<NamedModel[]> {
  const configured = mirrors.map(({ model }) => model);
  const { list } = await listCandidates(odoo, configured);
  const owned = await ownedLinks(odoo);
  const models: NamedModel[] = [];
  for (const model of new Set(names)) {
    const fields = await fieldsOf(
      odoo,
      model,
      list.map((one) => one.model),
    );
    const records = await odoo.searchCount(model, []);
    const label = list.find((one) => one.model === model)?.label ?? null;
    const found = discovered({ model, label, records, fields }, owned, mirrors);
    const lineFields = found.lines === null ? null : await readableFields(odoo, found.lines.model);
    models.push({ ...found, fields, lineFields, lines: lineFields === null ? null : found.lines });
  }
  return models;
}

/** @throws UnknownModelError */
async function fieldsOf(odoo: OdooClient, model: string, known: readonly string[]): Promise<OdooFields> {
  try {
    return await odoo.fieldsGet(model);
  } catch (error) {
    throw error instanceof OdooModelError ? new UnknownModelError(model, odoo.target, known) : error;
  }
}

/** Null: the user may not read the model. */
async function readableFields(odoo: OdooClient, model: string): Promise<OdooFields | null> {
  try {
    await odoo.search(model, [], { limit: 1 });
    return await odoo.fieldsGet(model);
  } catch (error) {
    if (error instanceof OdooAccessError) return null;
    throw error;
  }
}
