import type { MirrorStore } from '../../db/documents/tables.ts';
import { archiveAccount, archiveSome, countArchivable, type KeptLines } from '../../db/runs/sweep.ts';
import type { SyncLogRow } from '../../db/schema/sync.ts';
import { PasserelleError } from '../../shared/errors.ts';
import type { SyncContext } from '../context.ts';

/** The deleted BCs that a run found, and its limit. */
interface RefusedBcs {
  readonly gone: number;
  /** Archived earlier, within a day. */
  readonly done: number;
  readonly mirrored: number;
  readonly limit: number;
}

/**
 * The run kept BCs or lines that Odoo no longer shows: Odoo hides them from its user, or they exceed the limit of one
 * run.
 *
 * @fix Check which records ODOO_USER may read. If they were deleted on purpose, run `passerelle sync --sweep --force`.
 */
export class SweepBreakerError extends PasserelleError {
  readonly code = 'sweep_breaker';
  constructor(bcs: RefusedBcs | null, lines: KeptLines | null) {
    const kept = [
      ...(bcs === null
        ? []
        : [
            `Nothing was archived: ${bcs.gone} of ${bcs.mirrored} BCs are gone from Odoo or hidden from its user, and ` +
              `runs archive at most ${bcs.limit} in a day (SWEEP_MAX_SHARE, SWEEP_MAX_COUNT)` +
              `${bcs.done === 0 ? '' : ` and have archived ${bcs.done} already`}.`,
          ]),
      ...(lines === null
        ? []
        : [
            `The mirror kept ${lines.lines} lines of ${lines.documents} BCs that Odoo no longer shows: its user may not ` +
              'read them, or more are gone than one run removes (SWEEP_MAX_SHARE, SWEEP_MAX_COUNT).',
          ]),
    ];
    super(
      `${kept.join(' ')} Check what the user of ODOO_USER may read. If they were deleted on purpose, run ` +
        'passerelle sync --sweep --force, or POST {"mode":"sweep","force":true}.',
    );
  }
}

/**
 * The run found BCs deleted in Odoo, but the mirror has newer sequence numbers for them, from before PostgreSQL lost
 * commits. They were not archived.
 *
 * @fix Nothing: the next sweep checks them again. If it ends the same way, run `passerelle verify`.
 */
export class GoneNotArchivedError extends PasserelleError {
  readonly code = 'gone_not_archived';
  constructor(bcs: number) {
    super(
      `${bcs === 1 ? '1 BC is' : `${bcs} BCs are`} gone from Odoo but not archived, because the mirror has later ` +
        'sequence numbers for them: PostgreSQL lost commits. The next sweep checks them again; if it ends the same ' +
        'way, run passerelle verify.',
    );
  }
}

/**
 * A sweep did not read BCs with an open failure, because their next try is later.
 *
 * @fix Nothing: later runs read them. `passerelle failures` lists them, and `passerelle retry --all` reads them at
 * once.
 */
export class PausedFailuresError extends PasserelleError {
  readonly code = 'paused_failures';
  constructor(bcs: number) {
    super(
      `${bcs === 1 ? '1 BC with an open failure was' : `${bcs} BCs with an open failure were`} not read, because the ` +
        'next try is later: see passerelle failures. To read them at once, run passerelle retry --all.',
    );
  }
}

/** Sweeps find deleted BCs, and single runs name their BCs. Other modes leave archiving to the next sweep. */
export function archives({ mode }: Pick<SyncLogRow, 'mode'>): boolean {
  return mode === 'sweep' || mode === 'single';
}

/** How far the archiving of a run got. */
interface ArchiveStep {
  /** The last id of this step; null if there is no next step. */
  readonly after: number | null;
  /** The breaker forbids it, and nothing was archived. */
  readonly refused: RefusedBcs | null;
}

/**
 * One step of archiving the deleted BCs of a run without open items. Call it in a transaction that has locked the run.
 * The first step (`after` null) asks the breaker, which must count the whole mirror.
 */
export async function archiveStep(
  store: MirrorStore,
  { settings }: SyncContext,
  run: SyncLogRow,
  after: number | null,
): Promise<ArchiveStep> {
  if (after === null) {
    const pending = await countArchivable(store, run.id);
    if (pending === 0) return NO_STEP;
    const { done, mirrored } = await archiveAccount(store, run);
    const limit = archiveLimit(mirrored, settings);
    if (!run.force && pending + done > limit) {
      return { after: null, refused: { gone: pending, done, mirrored, limit } };
    }
  }
  return { after: await archiveSome(store, run.id, after ?? 0), refused: null };
}

/** SWEEP_MAX_COUNT counts for at most half of a small mirror, so the last BC never leaves without `force`. */
function archiveLimit(
  mirrored: number,
  { sweepMaxShare, sweepMaxCount }: Pick<SyncContext['settings'], 'sweepMaxShare' | 'sweepMaxCount'>,
): number {
  const share = Math.floor((mirrored * sweepMaxShare) / 100);
  return Math.max(share, Math.min(sweepMaxCount, Math.floor(mirrored / 2)));
}

export const NO_STEP: ArchiveStep = { after: null, refused: null };
