import { z } from 'zod';
import { type Checks, check } from '../../../checks/index.ts';
import type { Api } from '../../context.ts';

export const checkList = z.object({
  ok: z.boolean().describe('no check failed'),
  checks: z.array(check),
});

const example = {
  ok: false,
  checks: [
    { area: 'postgresql', name: 'migrations', outcome: 'ok', text: 'All migrations are applied.', fix: null },
    {
      area: 'workers',
      name: 'workers',
      outcome: 'failed',
      text: 'No worker is connected: run "npm run worker".',
      fix: null,
    },
  ],
} as const;

export function checksRoute(api: Api, checks: Checks): void {
  api.get(
    '/api/v1/checks',
    {
      config: { scope: 'bc:read', mirror: 'all' },
      schema: {
        tags: ['sync'],
        summary: 'Whether everything that Passerelle needs works: PostgreSQL, Redis, workers, Odoo, Tryton',
        description:
          'The same list as `passerelle check`, at most 15 s old. The status is always 200: check `ok`. A check that ' +
          'is not ok says what to do in `fix`, or in `text`.',
        response: { 200: checkList.meta({ examples: [example] }) },
      },
    },
    async () => {
      const found = await checks.read();
      return { ok: found.every(({ outcome }) => outcome !== 'failed'), checks: found };
    },
  );
}
