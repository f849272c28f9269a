import { z } from 'zod';

const AREAS = ['postgresql', 'redis', 'workers', 'odoo', 'tryton'] as const;

export const check = z.object({
  area: z.enum(AREAS),
  name: z.string().describe('the subject, for example migrations'),
  outcome: z.enum(['ok', 'warning', 'failed']),
  text: z.string().describe('the result'),
  fix: z.string().nullable().describe('what to do; null if nothing, or if the text says it'),
});

export type Check = z.infer<typeof check>;
export type Area = Check['area'];

/** One result of an area; `Checks` adds the area. */
export type Finding = Omit<Check, 'area'>;

/** The sentence for a mirror that nothing works on; the command line and the dashboard show it too. */
export const NO_WORKER = 'No worker is connected: run "npm run worker".';

export const ok = (name: string, text: string): Finding => ({ name, outcome: 'ok', text, fix: null });
export const warning = (name: string, text: string, fix: string): Finding => ({
  name,
  outcome: 'warning',
  text,
  fix,
});
export const failed = (name: string, text: string, fix: string | null = null): Finding => ({
  name,
  outcome: 'failed',
  text,
  fix,
});
