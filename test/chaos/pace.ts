import { setTimeout } from 'node:timers/promises';

/**
 * Stretches all times of the scenarios: CHAOS_PACE, 1 if it is not set. On a machine that is busy with other work a
 * healthy worker waits for a processor for seconds, and with short limits it would be given up again and again.
 */
const PACE = Number(process.env['CHAOS_PACE'] || 1);

export const paced = (ms: number): number => ms * PACE;

/** As the value of a variable. */
export const duration = (ms: number): string => `${paced(ms)}ms`;

export const pause = (ms: number): Promise<void> => setTimeout(paced(ms));
