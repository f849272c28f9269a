import { PasserelleError } from '../shared/errors.ts';
import { closest } from '../shared/spelling.ts';
import type { Words } from './text.ts';

/**
 * An argument or option of a command is not valid.
 *
 * @fix Correct the argument or option that the message names. Run the command with `--help` for its usage.
 */
export class BadArgumentError extends PasserelleError {
  readonly code = 'bad_argument';
}

/**
 * No API key has this id or prefix.
 *
 * @fix Run `passerelle keys list` for the ids and prefixes.
 */
export class UnknownKeyError extends PasserelleError {
  readonly code = 'unknown_key';
  constructor(given: string) {
    // The argument may be a whole key, which is secret.
    const which = given.length > MAX_SHOWN ? 'that' : JSON.stringify(given);
    super(`There is no key with the id or prefix ${which}; "passerelle keys list" shows them.`);
  }
}

const MAX_SHOWN = 20;

/**
 * No order of the mirror has this number or id.
 *
 * @fix Check the number or id. If Odoo has the order, read it by its id with `passerelle resync`.
 */
export class UnknownOrderError extends PasserelleError {
  readonly code = 'unknown_order';
}

/**
 * Several orders of the mirror have this number.
 *
 * @fix Name the order by its id. The message lists the ids.
 */
export class AmbiguousOrderError extends PasserelleError {
  readonly code = 'ambiguous_order';
  constructor(number: string, ids: string, { order }: Words) {
    const which = order === 'order' ? 'number' : 'name';
    super(`Several ${order}s have the ${which} ${number}: ${ids}. Name the ${order} by its id.`);
  }
}

/**
 * These orders have no open failure, so there is nothing to retry.
 *
 * @fix Run `passerelle failures` for the open failures, or `passerelle resync` to read any order.
 */
export class NoFailureError extends PasserelleError {
  readonly code = 'no_open_failure';
  constructor(odooIds: readonly number[], { document, order, flag }: Words) {
    super(
      `No open failure: ${document} ${odooIds.join(', ')}. Run "passerelle failures${flag}" to list the failures, or ` +
        `"passerelle resync${flag}" to read any ${order}.`,
    );
  }
}

/**
 * The log has no run with this id. It does not exist, or it is older than RETAIN_RUNS.
 *
 * @fix Run `passerelle runs` for the ids of the last runs.
 */
export class UnknownRunError extends PasserelleError {
  readonly code = 'unknown_run';
  constructor(runId: number) {
    super(`There is no run ${runId}; "passerelle runs" lists the last ones.`);
  }
}

export interface FirstSyncFailure {
  /** Null if there is one mirror only. */
  readonly mirror: string | null;
  readonly reason: string | null;
}

/**
 * `passerelle up` or the demo could not copy the documents of a mirror for the first time, and stops everything that it
 * started.
 *
 * @fix Correct the cause that the message names, then start again.
 */
export class FirstSyncFailedError extends PasserelleError {
  readonly code = 'first_sync_failed';
  constructor(failures: readonly FirstSyncFailure[]) {
    const texts = failures.map(({ mirror, reason }) => {
      const why = reason ?? 'Its run has no reason.';
      return mirror === null ? why : `Mirror ${mirror}: ${why}`;
    });
    super(`The first sync failed, so everything was stopped. ${texts.join(' ')}`);
  }
}

/**
 * The mirror cannot be dropped: it is `bc`, it is in the configuration, or a worker still runs it.
 *
 * @fix Remove the mirror from `MIRRORS_FILE`, restart the workers and the API, then drop it. `bc` always stays.
 */
export class MirrorInUseError extends PasserelleError {
  readonly code = 'mirror_in_use';
}

/**
 * The mirror is in the configuration, but it has never run. So it has no tables yet.
 *
 * @fix Start the workers, or run `passerelle sync --mirror NAME`. `--mirror` chooses another mirror.
 */
export class MirrorNeverRanError extends PasserelleError {
  readonly code = 'mirror_never_ran';
  constructor(name: string) {
    super(
      `The mirror ${name} has no data, because it has never run. Run "passerelle sync --mirror ${name}", or choose ` +
        'another mirror with --mirror.',
    );
  }
}

/**
 * There is no mirror of that name. Commands that need `DATABASE_URL` only know the mirrors that have run, the others
 * know those of the configuration.
 *
 * @fix Use one of the names that the message lists. `MIRRORS_FILE` defines the mirrors.
 */
export class UnknownMirrorError extends PasserelleError {
  readonly code = 'unknown_mirror';
  constructor(name: string, known: readonly string[]) {
    const meant = closest(name, known);
    super(
      `There is no mirror ${JSON.stringify(name)}.${meant === undefined ? '' : ` Did you mean ${meant}?`} ` +
        `There ${known.length === 1 ? 'is' : 'are'} ${known.join(', ') || 'none'}.`,
    );
  }
}
