import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freshPrefix } from '../../support/redis.ts';
import type { OpenStage, TrytonStage } from './gateway-setup.ts';
import { codesOf, openGatewayClient, settingsFor } from './gateway-setup.ts';

/** A password that Tryton refuses. */
export function loginsFlow(name: string, open: OpenStage): void {
  describe(name, () => {
    let setup: TrytonStage;
    beforeAll(async () => {
      setup = await open();
    });
    afterAll(() => setup?.close());

    it('costs one refused login per pause, whatever calls, and is forgotten when it is right again', async () => {
      let aheadMs = 0;
      const clock = () => Date.now() + aheadMs;
      const right = setup.password;
      const prefix = freshPrefix();
      const config = { ...settingsFor(setup), password: setup.otherPassword };
      const clients = [1, 2].map(() => openGatewayClient(config, { prefix, clock }).client);
      const call = (client: (typeof clients)[number] | undefined) =>
        client?.call('model.party.party.search_count', [[]]) ?? Promise.reject(new Error('no client'));
      const storm = () => codesOf(Array.from({ length: 20 }, (_, at) => call(clients[at % 2])));

      expect(new Set(await storm())).toEqual(new Set(['tryton_bad_credentials', 'tryton_login_suspended']));
      expect(await setup.attempts()).toBe(1);
      await expect(call(clients[0])).rejects.toMatchObject({ code: 'tryton_login_suspended' });
      expect(await clients[1]?.ping()).toMatchObject({ reachable: true, authenticated: false });
      expect(await setup.attempts()).toBe(1);

      aheadMs += config.loginCooldownMs + 1000;
      expect(await storm()).toHaveLength(20);
      expect(await setup.attempts()).toBe(2);

      await setup.setPassword(setup.otherPassword);
      expect(await storm()).toHaveLength(20);
      expect(await setup.attempts()).toBe(2);
      aheadMs += config.loginCooldownMs + 1000;
      expect(await storm()).toEqual([]);
      expect(await setup.attempts()).toBe(0);
      await setup.setPassword(right);
    });

    it('says until when no login is tried, and never the password', async () => {
      const config = { ...settingsFor(setup), password: setup.otherPassword };
      const { client } = openGatewayClient(config);
      const attempt = () =>
        client.call('model.party.party.search_count', [[]]).catch((error: unknown) => error);
      const [refused, suspended] = [await attempt(), await attempt()];
      expect(refused).toMatchObject({ code: 'tryton_bad_credentials' });
      expect(suspended).toMatchObject({ code: 'tryton_login_suspended', until: expect.any(Date) });
      expect(`${refused} ${suspended} ${JSON.stringify([refused, suspended])}`).not.toContain(
        config.password,
      );
    });
  });
}
