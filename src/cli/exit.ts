/** What the exit code of a command means. */
export const EXIT = {
  success: 0,
  /** Partial, failed, or different. */
  failure: 1,
  /** Bad usage or configuration. */
  usage: 2,
  /** Another run is in progress. */
  skipped: 3,
  interrupted: 130,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];
