import type { Queryable } from '../../db/client.ts';
import { archiveAccount, archiveSome, type KeptLines } from '../../db/runs/sweep.ts';
import type { SyncLogRow } from '../../db/schema/sync.ts';
import { PasserelleError } from '../../shared/errors.ts';
import type { SyncContext } from '../context.ts';

/** BCs that a run found gone, and how many it may archive. */
interface RefusedBcs {
  readonly gone: number;
  readonly mirrored: number;
  readonly limit: number;
}

/**
 * The run kept BCs or lines that Odoo no longer shows: Odoo hides them from its user, or they exceed the
 * limit of one run.
 */
export class SweepBreakerError extends PasserelleError {
  readonly code = 'sweep_breaker';
  constructor(bcs: RefusedBcs | null, lines: KeptLines | null) {
    const kept = [
      ...(bcs === null
        ? []
        : [
            `Nothing was archived: ${bcs.gone} of ${bcs.mirrored} BCs are gone from Odoo or hidden from its user, and ` +
              `one run archives at most ${bcs.limit} (SWEEP_MAX_SHARE, SWEEP_MAX_COUNT).`,
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
 * One step towards the archiving of what a run found gone, once it owes nothing else. To be called in a transaction,
 * under the run's lock. The first one (`after` null) asks the breaker, which has to count the whole mirror.
 */
export async function archiveStep(
  tx: Queryable,
  { settings }: SyncContext,
  run: SyncLogRow,
  after: number | null,
): Promise<ArchiveStep> {
  if (after === null) {
    const { pending, done, mirrored } = await archiveAccount(tx, run.id);
    if (pending === 0) return NO_STEP;
    const limit = Math.max(Math.floor((mirrored * settings.sweepMaxShare) / 100), settings.sweepMaxCount);
    if (!run.force && pending + done > limit) {
      return { after: null, refused: { gone: pending, mirrored, limit } };
    }
  }
  return { after: await archiveSome(tx, run.id, after ?? 0), refused: null };
}

export const NO_STEP: ArchiveStep = { after: null, refused: null };
