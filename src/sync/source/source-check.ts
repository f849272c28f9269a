import type { Queryable } from '../../db/client.ts';
import { insertModelChanges } from '../../db/odoo-model/fields.ts';
import { beginMove, findSource, isEmptyMirror, lockSource, saveSource } from '../../db/runs/source.ts';
import { READER_FIELD } from '../../db/schema/model.ts';
import type { MirrorSource } from '../../db/schema/sync.ts';
import { PasserelleError } from '../../shared/errors.ts';
import type { SyncContext } from '../context.ts';
import { type LeasedRun, whilePlanning } from '../runs/run-lease.ts';
import { isSame } from '../store/content-hash.ts';
import type { DocumentModel } from '../types.ts';
import {
  knownSource,
  type OwnSource,
  readerChange,
  readSource,
  type SourceDifference,
  sourceDifferences,
} from './identity.ts';
import type { Source } from './source.ts';

const HOW_TO_MOVE =
  'run passerelle sync --new-source, or POST {"mode":"sweep","newSource":true}: the mirror then gets the content of the ' +
  'new source, and archives all other BCs.';

/**
 * The settings name another model or database than the mirror was read from. Nothing was stored.
 *
 * @fix Set the variables back, or accept the new source with `passerelle sync --new-source`. See
 * docs/how-to/runbook.md#move-to-another-odoo-or-model.
 */
class SourceChangedError extends PasserelleError {
  readonly code = 'source_changed';
  /** A worker with the right settings may take the job. */
  override readonly retryable = true;
  constructor(differences: readonly SourceDifference[]) {
    const named = differences.map(
      ({ setting, own, stored }) => `${setting} is ${own}, the mirror has ${stored}`,
    );
    super(
      `The settings name another source than the mirror has: ${named.join('; ')}. Nothing was stored. ` +
        `Set the variables back. To move the mirror to the new source, ${HOW_TO_MOVE}`,
    );
  }
}

/**
 * The mirror has content of two sources, because a run of `passerelle sync --new-source` failed. Nothing was stored. No
 * other run is accepted until one succeeds.
 *
 * @fix Run `passerelle sync --new-source` again.
 */
class SourceUnfinishedError extends PasserelleError {
  readonly code = 'source_unfinished';
  constructor({ model, database }: MirrorSource, runId: number) {
    super(
      `Run ${runId} began to move the mirror to ${model} of the database ${database.name} and did not end, so the ` +
        `mirror has content of two sources. Nothing was stored. To finish, ${HOW_TO_MOVE}`,
    );
  }
}

/**
 * This worker reads Odoo with another user, language, time zone, company or context than the worker that planned the
 * run. Nothing was stored.
 *
 * @fix Restart all workers with the same ODOO_USER and ODOO_CONTEXT. During an upgrade: nothing, because the first run
 * after the old workers have stopped continues.
 */
class ReaderChangedError extends PasserelleError {
  readonly code = 'reader_changed';
  /** A worker with the right settings may take the job. */
  override readonly retryable = true;
  constructor(names: readonly string[]) {
    super(
      `This worker reads Odoo with other values of ${names.join(', ')} than the worker that planned the run. Nothing was ` +
        'stored. Set ODOO_USER and ODOO_CONTEXT alike for all workers, and restart them.',
    );
  }
}

/** These runs ask Odoo again for its source. Others trust what this process remembers. */
const asksAgain = ({ mode, newSource }: LeasedRun) => newSource || mode === 'full' || mode === 'sweep';

function ownSource(mirror: SyncContext, source: Source, isRenewed: boolean): Promise<OwnSource> {
  const { sources, definition } = mirror;
  const read = () => readSource(source, definition);
  return isRenewed ? sources.renew(read) : sources.current(read);
}

/** Begins to ask Odoo for the source of a run, unless this process knows it. */
export function beginSource(mirror: SyncContext, source: Source, run: LeasedRun): Promise<OwnSource> {
  return ownSource(mirror, source, asksAgain(run));
}

/**
 * Checks that the run reads the source that the mirror has, before anything of Odoo is stored. A first source and a new
 * name of the same database are stored. Another reader is stored as a change of the model that requires a full run.
 * An empty mirror accepts any source.
 *
 * A run with `newSource` moves the mirror. Until it has read everything, all other runs are refused: also with the
 * old settings, because some content is new already.
 *
 * @throws SourceChangedError, SourceUnfinishedError, LeaseLostError
 */
export async function checkSource(
  mirror: SyncContext,
  source: Source,
  run: LeasedRun,
  model: DocumentModel,
  found: { readonly stored: MirrorSource | null; readonly own: OwnSource },
): Promise<void> {
  const { key } = mirror.definition;
  if (isSettled(run, found, model)) return;
  // The answers that this process remembers may be outdated.
  const own = asksAgain(run) ? found.own : await ownSource(mirror, source, true);
  await whilePlanning(mirror, run, async (store) => {
    const { db: tx } = store;
    const stored = await lockSource(tx, key);
    const first = knownSource(null, own, model.linesField);
    if (stored === null) return saveSource(tx, key, first);
    const { unfinishedRun } = stored;
    const differences = sourceDifferences(stored, comparable(own, stored, model));
    if (unfinishedRun === undefined && differences.length === 0) {
      await noteReader(tx, mirror, run, stored, own);
      return saveSource(tx, key, knownSource(stored, own, model.linesField));
    }
    if (unfinishedRun === undefined && (await isEmptyMirror(store))) return saveSource(tx, key, first);
    if (!run.newSource && unfinishedRun !== undefined) throw new SourceUnfinishedError(stored, unfinishedRun);
    // A run that is planned again keeps its source: a worker that was not restarted yet may have resumed it.
    const isAgain = unfinishedRun === run.id && differences.length > 0;
    if (!run.newSource || isAgain) throw new SourceChangedError(differences);
    mirror.log.warn({ runId: run.id, differences }, 'the mirror moves to a new source');
    return beginMove(tx, key, { ...first, unfinishedRun: run.id });
  });
}

/** Nothing has to be stored or refused. */
function isSettled(
  { newSource }: LeasedRun,
  { stored, own }: { readonly stored: MirrorSource | null; readonly own: OwnSource },
  { linesField }: DocumentModel,
): boolean {
  if (newSource || stored === null) return false;
  return isSame(stored, knownSource(stored, own, linesField));
}

/** If Odoo no longer has the one2many that contained the lines, it was renamed there. */
function comparable(own: OwnSource, stored: MirrorSource, { header, line }: DocumentModel): OwnSource {
  const before = header.fields[stored.linesField];
  const isLink = before?.type === 'one2many' && before.relation === line.name;
  return isLink ? own : { ...own, linesField: null };
}

async function noteReader(
  tx: Queryable,
  { definition, log }: SyncContext,
  run: LeasedRun,
  stored: MirrorSource,
  own: OwnSource,
): Promise<void> {
  const change = readerChange(stored.reader, own.reader);
  if (change === null) return;
  log.info({ runId: run.id, ...change }, 'Odoo is read with other settings');
  const row = { model: definition.model, field: READER_FIELD, kind: 'reader' as const, runId: run.id };
  await insertModelChanges(tx, [{ ...row, ...change, reread: true }]);
}

/**
 * Checks before a job reads Odoo that this process has the source and the reader with which the run was planned. While
 * workers are replaced, those with old and those with new settings share the queues.
 *
 * @throws SourceChangedError, ReaderChangedError
 */
export async function requireSource(mirror: SyncContext, source: Source): Promise<void> {
  const stored = await findSource(mirror.db, mirror.definition.key);
  if (stored === null) return;
  for (const isRenewed of [false, true]) {
    const own = await ownSource(mirror, source, isRenewed);
    const differences = sourceDifferences(stored, own);
    const change = readerChange(stored.reader, own.reader);
    if (differences.length === 0 && change === null) return;
    if (!isRenewed) continue;
    if (differences.length > 0) throw new SourceChangedError(differences);
    if (change !== null) throw new ReaderChangedError(Object.keys(change.new));
  }
}
