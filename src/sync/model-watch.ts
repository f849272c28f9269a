import { sql } from 'drizzle-orm';
import { databaseClock } from '../db/clock.ts';
import type { Queryable } from '../db/connection.ts';
import { listFields, saveFields } from '../db/fields.ts';
import { confirmModel, keptFields } from '../db/kept-model.ts';
import { LOCKS } from '../db/locks.ts';
import type { NewModelChange } from '../db/model-changes.ts';
import { insertModelChanges, newestReread } from '../db/model-changes.ts';
import type { View } from '../db/view-sql.ts';
import { HEADER_VIEW, LINE_VIEW, viewDefinition } from '../db/view-sql.ts';
import type { OdooClient } from '../odoo/types.ts';
import type { Mirror } from './mirror.ts';
import type { DescribedModel, DocumentModel, MirroredModel } from './model.ts';
import { describeDocument, isModelChange } from './model.ts';
import { modelDiff } from './model-diff.ts';
import { followModel } from './model-views.ts';

/**
 * Keeps what Odoo says of the model: its fields, what changed since, and the typed views that follow. The first
 * description of a model is no change. One that was asked for before the kept one changes nothing: another process
 * knows better.
 *
 * @returns the newest change that this description takes into account and after which every record is to be read
 * again; 0: there was none yet.
 */
export async function noteModel(mirror: Mirror, runId: number, model: DescribedModel): Promise<number> {
  const { db, log, models } = mirror;
  const parts = [model.header, model.line];
  const described = JSON.stringify(parts);
  const { compared } = models;
  if (compared?.described === described) {
    const expectation = { expected: compared.kept, describedAt: model.describedAt };
    const newest = await confirmModel(db, namesOf(model), VIEWS, expectation);
    if (newest !== null) return newest;
  }
  const { changes, newest, fields } = await db.transaction((tx) => compare(tx, runId, model));
  for (const { old, new: now, ...change } of changes) {
    log.info({ ...change, old: old?.type, new: now?.type }, 'the model changed in Odoo');
  }
  await followModel(mirror);
  const views = [viewComment(HEADER_VIEW, model.header), viewComment(LINE_VIEW, model.line)];
  models.compared = fields === null ? null : { described, kept: { fields, views } };
  return newest;
}

const VIEWS = [HEADER_VIEW, LINE_VIEW];
const namesOf = ({ header, line }: DocumentModel) => [header.name, line.name];

const viewComment = (view: View, { name, fields }: MirroredModel): string =>
  viewDefinition(
    view,
    name,
    Object.values(fields).map(({ string: label, relation = null, ...field }) => ({
      ...field,
      label,
      relation,
    })),
  ).comment;

/** One process at a time. `fields`: the digest of what is kept now, where it is what this description says. */
async function compare(tx: Queryable, runId: number, model: DescribedModel) {
  await tx.execute(sql`select pg_advisory_xact_lock(${LOCKS.model})`);
  const names = namesOf(model);
  if (await isOutdated(tx, model)) {
    return { changes: [], newest: await newestReread(tx, names, model.describedAt), fields: null };
  }
  const changes: NewModelChange[] = [];
  for (const part of [model.header, model.line]) {
    changes.push(...(await noteFields(tx, runId, part, model.describedAt)));
  }
  await insertModelChanges(tx, changes);
  return { changes, newest: await newestReread(tx, names, null), fields: await keptFields(tx, names) };
}

/** A moment of the future is no proof: PostgreSQL's clock was set back. */
async function isOutdated(tx: Queryable, { header, describedAt }: DescribedModel): Promise<boolean> {
  const [known] = await listFields(tx, header.name);
  return known !== undefined && known.seenAt > describedAt && known.seenAt <= (await databaseClock(tx));
}

async function noteFields(
  tx: Queryable,
  runId: number,
  { name, fields }: MirroredModel,
  describedAt: Date,
): Promise<NewModelChange[]> {
  const known = await listFields(tx, name);
  await saveFields(tx, name, fields, describedAt);
  if (known.length === 0) return [];
  return modelDiff(known, fields).map((change) => ({ model: name, runId, ...change }));
}

/**
 * Does a piece of a run's work with the run's description of the model. Where Odoo turns out to know a field no more,
 * it is asked for the model again, the change is noted, and the work is done once more (`again`) with the new one.
 *
 * @throws what the work throws; an error of a vanished field only when the second time brings one too.
 */
export async function withModel<T>(
  mirror: Mirror,
  odoo: OdooClient,
  runId: number,
  work: (model: DescribedModel, again: boolean) => Promise<T>,
  now?: Date,
): Promise<T> {
  const model = await mirror.models.of(runId, () => describeNow(mirror, odoo, now));
  try {
    return await work(model, false);
  } catch (error) {
    if (!isModelChange(error)) throw error;
  }
  return work(await renewed(mirror, odoo, runId, model), true);
}

/**
 * The same for work that may outlive the run's lease: what another run has read since with a newer description must
 * not be overwritten by a reading that lacks its fields, since nothing would read it again.
 */
export async function withNewestModel<T>(
  mirror: Mirror,
  odoo: OdooClient,
  runId: number,
  work: (model: DescribedModel) => Promise<T>,
): Promise<T> {
  const model = await mirror.models.of(runId, () => describeNow(mirror, odoo));
  if (await isBehind(mirror.db, model)) await renewed(mirror, odoo, runId, model);
  return withModel(mirror, odoo, runId, work);
}

/** A change was noted since it was asked for. */
async function isBehind(db: Queryable, { header, line, describedAt }: DescribedModel): Promise<boolean> {
  const names = [header.name, line.name];
  return (await newestReread(db, names, null)) > (await newestReread(db, names, describedAt));
}

/** The run's description, asked for anew and noted. */
function renewed(
  mirror: Mirror,
  odoo: OdooClient,
  runId: number,
  outdated: DescribedModel,
): Promise<DescribedModel> {
  return mirror.models.renew(runId, outdated, async () => {
    const described = await describeNow(mirror, odoo);
    await noteModel(mirror, runId, described);
    return described;
  });
}

async function describeNow(
  { db, definition }: Mirror,
  odoo: OdooClient,
  now?: Date,
): Promise<DescribedModel> {
  const describedAt = now ?? (await databaseClock(db));
  return { ...(await describeDocument(odoo, definition)), describedAt };
}
