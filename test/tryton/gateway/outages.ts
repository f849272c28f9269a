import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { waitFor } from '../../support/wait-for.ts';
import type { OpenStage, TrytonStage } from './gateway-setup.ts';
import { openGatewayClient, settingsFor } from './gateway-setup.ts';

const READ = 'model.party.party.search_count';
const WRITE = 'model.party.party.create';
/** How much later than its deadline a call may end on a busy machine. */
const SLACK_MS = 5000;

/** A server that stops and starts while it is called. */
export function outagesFlow(name: string, open: OpenStage): void {
  describe(name, () => {
    let setup: TrytonStage;
    beforeAll(async () => {
      setup = await open();
    });
    afterAll(() => setup?.close());

    it('reads recover by themselves, no write is carried out twice, and no call waits beyond the deadline', async () => {
      const config = { ...settingsFor(setup), timeoutMs: 2000, deadlineMs: 4000 };
      const { client, outcomes } = openGatewayClient(config);
      const label = `Panne ${randomUUID()}`;
      const fates = new Map<string, string>();
      let over = false;
      const reader = async () => {
        while (!over) await client.call(READ, [[['id', '=', -1]]]).catch(() => {});
      };
      const writer = async (_: unknown, of: number) => {
        for (let at = 0; !over; at += 1) {
          const party = `${label} ${of}-${at}`;
          const done = client.call(WRITE, [[{ name: party }]]);
          fates.set(
            party,
            await done.then(
              () => 'done',
              (error: unknown) => String(Object(error).code),
            ),
          );
        }
      };
      const workers = [...Array.from({ length: 6 }, reader), ...Array.from({ length: 3 }, writer)];
      const ended = (method: string, ok: boolean) =>
        outcomes.filter((outcome) => outcome.method === method && (outcome.error === null) === ok).length;
      const more = (method: string, ok: boolean, least: number, what: string) => {
        const before = ended(method, ok);
        return waitFor(() => ended(method, ok) >= before + least, what);
      };
      try {
        await Promise.all([more(READ, true, 20, 'reads'), more(WRITE, true, 5, 'writes')]);
        await setup.stop();
        await Promise.all([more(READ, false, 6, 'reads to fail'), more(WRITE, false, 3, 'writes to fail')]);
        await setup.start();
        await Promise.all([
          more(READ, true, 20, 'reads to recover'),
          more(WRITE, true, 5, 'writes to recover'),
        ]);
      } finally {
        over = true;
        await Promise.all(workers);
        await setup.start();
      }
      const failures = outcomes.filter(({ error }) => error !== null);
      const codes = (method: string) => failures.filter((one) => one.method === method).map(codeOf);
      for (const code of codes(READ)) expect(['tryton_timeout', 'tryton_unreachable']).toContain(code);
      for (const code of codes(WRITE))
        expect(['tryton_timeout', 'tryton_unreachable', 'tryton_unknown_fate']).toContain(code);
      for (const { ms } of failures) expect(ms).toBeLessThan(config.deadlineMs + SLACK_MS);
      await expectFates(client, label, fates);
    });
  });
}

const codeOf = ({ error }: { error: Error | null }): string => String(Object(error).code);

/** An answered write is there once, an unsent one is not there, a possibly sent one is there at most once. */
async function expectFates(
  client: ReturnType<typeof openGatewayClient>['client'],
  label: string,
  fates: ReadonlyMap<string, string>,
): Promise<void> {
  const domain = [['name', 'like', `${label}%`]];
  const rows = await client.call('model.party.party.search_read', [domain, 0, null, null, ['name']]);
  const found = Array.isArray(rows) ? rows.map((row: unknown) => Object(row)) : [];
  const count = (party: string) => found.filter(({ name }) => name === party).length;
  for (const [party, fate] of fates) {
    const at = `${party}: ${fate}`;
    if (fate === 'done') expect([at, count(party)]).toEqual([at, 1]);
    else if (fate === 'tryton_unknown_fate') expect(count(party)).toBeLessThanOrEqual(1);
    else expect([at, count(party)]).toEqual([at, 0]);
  }
  expect(found.filter(({ name }) => !fates.has(name))).toEqual([]);
  await client.call('model.party.party.delete', [found.map(({ id }) => id)]);
}
