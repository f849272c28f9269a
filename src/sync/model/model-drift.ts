import { sql } from 'drizzle-orm';
import { databaseClock, type Queryable } from '../../db/client.ts';
import type { MirrorStore } from '../../db/documents/tables.ts';
import { blockWriters } from '../../db/documents/writes.ts';
import { LOCKS } from '../../db/locks.ts';
import {
  insertModelChanges,
  listFields,
  type NewModelChange,
  newestReread,
  saveFields,
} from '../../db/odoo-model/fields.ts';
import { confirmModel, keptFields } from '../../db/odoo-model/model-fingerprint.ts';
import { refreshView, type View, viewDefinition, viewsOf } from '../../db/odoo-model/typed-views.ts';
import { hideFailureMessages, hideRunMessages } from '../../db/runs/failures.ts';
import type { OdooFieldRow } from '../../db/schema/model.ts';
import type { OdooFieldDescription, OdooFields } from '../../odoo/types.ts';
import { canonicalJson } from '../../shared/canonical-json.ts';
import { errorCode, errorMessage } from '../../shared/errors.ts';
import type { SyncContext } from '../context.ts';
import { policyRewrites } from '../privacy/policy-changes.ts';
import { type Rewriting, type RewrittenFields, rewriteStored } from '../privacy/rewrite-stored.ts';
import type { Source } from '../source/source.ts';
import type { DocumentModel, MirroredModel } from '../types.ts';
import { type DescribedModel, describeDocument, isModelChange } from './document-model.ts';

/** A difference between two descriptions of a model. */
type FieldChangeNoted = Pick<NewModelChange, 'field' | 'kind' | 'old' | 'new' | 'reread'>;

/** Compares a description with the stored fields, by name. A renamed field is one removed and one added. */
export function modelDiff(
  known: readonly Pick<OdooFieldRow, 'name' | 'description'>[],
  after: OdooFields,
): FieldChangeNoted[] {
  const before: OdooFields = Object.fromEntries(known.map(({ name, description }) => [name, description]));
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
  return names.flatMap((field): FieldChangeNoted[] => {
    const old = own(before, field);
    const now = own(after, field);
    if (old === undefined && now !== undefined) {
      return [{ field, kind: 'added', old: null, new: now, reread: true }];
    }
    if (old !== undefined && now === undefined) {
      return [{ field, kind: 'removed', old, new: null, reread: true }];
    }
    if (old === undefined || now === undefined || same(settled(old), settled(now))) return [];
    return [{ field, kind: 'changed', old, new: now, reread: !same(content(old), content(now)) }];
  });
}

/**
 * Odoo computes some lists at each call, so their order does not matter. Whether a field is translated changes no value,
 * and older versions did not store it.
 */
function settled({ translate: _, ...field }: OdooFieldDescription) {
  return field.selection === undefined
    ? field
    : { ...field, selection: field.selection.map(canonicalJson).sort() };
}

/** The attributes that affect the values of a field. Labels of fields and of selection options do not. */
function content(field: OdooFieldDescription) {
  const { type, relation, relation_field, digits, store, company_dependent, selection } = field;
  const { mirrored, policy, keyId } = field;
  const values = selection?.map((option) => canonicalJson(Array.isArray(option) ? option[0] : option)).sort();
  return {
    type,
    relation,
    relation_field,
    digits,
    store,
    company_dependent,
    values,
    mirrored,
    policy,
    keyId,
  };
}

const same = (left: unknown, right: unknown): boolean => canonicalJson(left) === canonicalJson(right);

const own = (fields: OdooFields, name: string): OdooFieldDescription | undefined =>
  Object.hasOwn(fields, name) ? fields[name] : undefined;

/** By SQLSTATE: what people can do so that the view can be created. */
const ADVICE: Readonly<Record<string, string>> = {
  '55P03': 'Somebody is reading the view; the next run tries again.',
  '2BP01': 'Drop what depends on the view (the reason names it), and make it again after the next run.',
  '42501': "The role of DATABASE_URL needs CREATE on the tables' schema and must own the view.",
};

/**
 * Updates the typed views to the known fields. A view that cannot be created stays as it is, and the next plan tries
 * again: no run fails because of it.
 */
export async function followModel(mirror: SyncContext): Promise<void> {
  const { db, definition, log } = mirror;
  const follow = async (view: View, model: string) => {
    try {
      if (await refreshView(db, view, model))
        log.info({ view: view.name, model }, 'the view follows the model');
    } catch (error) {
      const code = errorCode(error);
      const advice = ADVICE[code];
      log.warn(
        { view: view.name, code, reason: reasonOf(error), ...(advice !== undefined && { advice }) },
        'the view could not follow the model and stays as it is',
      );
    }
  };
  const { header, line } = viewsOf(mirror);
  await follow(header, definition.model);
  await follow(line, definition.lineModel);
}

/** PostgreSQL names the conflicting object in `detail`. Drizzle wraps its error. */
function reasonOf(error: unknown): string {
  for (let at = error; at instanceof Error; at = at.cause) {
    if ('detail' in at && typeof at.detail === 'string') return `${errorMessage(error)}: ${at.detail}`;
  }
  return errorMessage(error);
}

/**
 * Stores the model that Odoo describes: fields, changes since the last description, typed views. The first description
 * is not a change. A description that was requested before the stored one is ignored.
 *
 * If the configuration hides fields that it did not hide before, their stored values are rewritten in the same
 * transaction. So a process that dies meanwhile leaves both as they were.
 *
 * @param onBatch called when some rows have been rewritten.
 * @returns the id of the newest change in this description that requires all records to be read again; 0 without one.
 */
export async function noteModel(
  mirror: SyncContext,
  runId: number,
  model: DescribedModel,
  onBatch?: () => void,
): Promise<number> {
  const { db, log, models } = mirror;
  const parts = [model.header, model.line];
  const described = JSON.stringify(parts);
  const { compared } = models;
  const views = viewsOf(mirror);
  if (compared?.described === described) {
    const expectation = { expected: compared.kept, describedAt: model.describedAt };
    const newest = await confirmModel(db, namesOf(model), [views.header, views.line], expectation);
    if (newest !== null) return newest;
  }
  const { changes, newest, fields } = await db.transaction((tx) =>
    compare({ ...mirror, db: tx }, runId, model, onBatch),
  );
  for (const { old, new: now, ...change } of changes) {
    log.info({ ...change, old: old?.type, new: now?.type }, 'the model changed in Odoo');
  }
  await followModel(mirror);
  const comments = [viewComment(views.header, model.header), viewComment(views.line, model.line)];
  models.compared = fields === null ? null : { described, kept: { fields, views: comments } };
  return newest;
}

const namesOf = ({ header, line }: DocumentModel) => [header.name, line.name];

/** Null: a model without fields has no view. */
function viewComment(view: View, { name, fields }: MirroredModel): string | null {
  const columns = Object.values(fields).map(({ string: label, relation = null, ...field }) => ({
    ...field,
    label,
    relation,
  }));
  return columns.length === 0 ? null : viewDefinition(view, name, columns).comment;
}

/** Runs in one process at a time. `fields` is the digest of the stored fields if they equal this description. */
async function compare(
  mirror: Omit<SyncContext, 'db'> & MirrorStore,
  runId: number,
  model: DescribedModel,
  onBatch?: () => void,
) {
  const { db: tx } = mirror;
  await tx.execute(sql`select pg_advisory_xact_lock(${LOCKS.model})`);
  const names = namesOf(model);
  if (await isOutdated(tx, model)) {
    return { changes: [], newest: await newestReread(tx, names, model.describedAt), fields: null };
  }
  const header = await noteFields(mirror, runId, model.header, model.describedAt);
  const line = await noteFields(mirror, runId, model.line, model.describedAt);
  const changes = [...header.changes, ...line.changes];
  await applyPolicies(mirror, runId, { header: header.rewrites, line: line.rewrites }, onBatch);
  await insertModelChanges(tx, changes);
  return { changes, newest: await newestReread(tx, names, null), fields: await keptFields(tx, names) };
}

/** A time in the future proves nothing: the clock of PostgreSQL was set back. */
async function isOutdated(tx: Queryable, { header, describedAt }: DescribedModel): Promise<boolean> {
  const [known] = await listFields(tx, header.name);
  return known !== undefined && known.seenAt > describedAt && known.seenAt <= (await databaseClock(tx));
}

async function noteFields(
  { db: tx, rules }: Pick<SyncContext, 'rules'> & Pick<MirrorStore, 'db'>,
  runId: number,
  { name, fields }: MirroredModel,
  describedAt: Date,
): Promise<{ readonly changes: readonly NewModelChange[]; readonly rewrites: RewrittenFields }> {
  const known = await listFields(tx, name);
  await saveFields(tx, name, fields, describedAt);
  if (known.length === 0) return { changes: [], rewrites: new Map() };
  const changes = modelDiff(known, fields).map((change) => ({ model: name, runId, ...change }));
  const rewrites = changes.length === 0 ? new Map() : await policyRewrites(tx, name, known, fields, rules);
  return { changes, rewrites };
}

/** Rewrites stored values that the configuration hides from now on, with all that may quote them. */
async function applyPolicies(
  mirror: Omit<SyncContext, 'db'> & MirrorStore,
  runId: number,
  rewriting: Rewriting,
  onBatch?: () => void,
): Promise<void> {
  const fields = [...rewriting.header.keys(), ...rewriting.line.keys()];
  if (fields.length === 0) return;
  const { db: tx, definition, queues, log } = mirror;
  await blockWriters(mirror);
  await hideFailureMessages(tx, definition.key);
  await hideRunMessages(tx, definition.key);
  const [changed] = await Promise.all([
    rewriteStored((work) => work(mirror), rewriting, onBatch),
    // Not after the commit: a process that dies in between would leave the values in Redis.
    queues.forget('all'),
  ]);
  log.info(
    { runId, fields, changed },
    'stored values were rewritten, because policies of their fields changed',
  );
}

/**
 * Runs `work` with the model of the run. If Odoo rejects a field, it requests the model again, records the change and
 * runs `work` once more (`again`).
 *
 * @throws the errors of `work`; an error of a rejected field only if the second attempt fails with one too.
 */
export async function withModel<T>(
  mirror: SyncContext,
  source: Source,
  runId: number,
  work: (model: DescribedModel, again: boolean) => Promise<T>,
  now?: Date,
): Promise<T> {
  const model = await mirror.models.of(runId, () => describeNow(mirror, source, now));
  try {
    return await work(model, false);
  } catch (error) {
    if (!isModelChange(error)) throw error;
  }
  return work(await renewed(mirror, source, runId, model), true);
}

/**
 * The same for work that may outlive the lease of its run. If another run has read with a newer description since, its
 * result must not be overwritten by a reading without the new fields, because nothing would read it again.
 */
export async function withNewestModel<T>(
  mirror: SyncContext,
  source: Source,
  runId: number,
  work: (model: DescribedModel) => Promise<T>,
): Promise<T> {
  const model = await mirror.models.of(runId, () => describeNow(mirror, source));
  if (await isBehind(mirror.db, model)) await renewed(mirror, source, runId, model);
  return withModel(mirror, source, runId, work);
}

/** A change was recorded since the description was requested. */
async function isBehind(db: Queryable, { header, line, describedAt }: DescribedModel): Promise<boolean> {
  const names = [header.name, line.name];
  return (await newestReread(db, names, null)) > (await newestReread(db, names, describedAt));
}

/** Requests the model again and records its changes. */
function renewed(
  mirror: SyncContext,
  source: Source,
  runId: number,
  outdated: DescribedModel,
): Promise<DescribedModel> {
  return mirror.models.renew(runId, outdated, async () => {
    const described = await describeNow(mirror, source);
    await noteModel(mirror, runId, described);
    return described;
  });
}

async function describeNow(
  { db, definition }: SyncContext,
  source: Source,
  now?: Date,
): Promise<DescribedModel> {
  const describedAt = now ?? (await databaseClock(db));
  return { ...(await describeDocument(source, definition)), describedAt };
}
