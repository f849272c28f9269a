/**
 * The numbers of the advisory locks, in one place so that no two are the same. Any fixed ones would do; processes of
 * two versions have to agree on them.
 */
export const LOCKS = {
  /** One process at a time migrates. */
  migration: 7_264_531,
  // 7_264_532 was the watchdog's. Do not use it again: workers of older versions may still run.
  /** One process at a time compares what Odoo says of the model. */
  model: 7_264_533,
  /** One process at a time makes views. */
  view: 7_264_534,
  /** One process at a time opens an epoch of the change feed. */
  feed: 7_264_535,
} as const;

/** The first of the two numbers of a lock; PostgreSQL keeps those of two apart from those of one. */
export const LOCK_FAMILIES = {
  /** Two writers of the same BC; the second number is the BC's. */
  document: 2_023,
  /** One process at a time looks for troubles; the second number is the area's. */
  alerts: 7_264_533,
  /** One transaction at a time removes lines in the name of a run; the second number is a hash of the run's id. */
  lineRemovals: 2_024,
} as const;
