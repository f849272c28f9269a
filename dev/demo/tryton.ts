import { z } from 'zod';
import { startSandboxTryton } from '../sandbox-tryton/sandbox.ts';
import type { Address } from './api.ts';
import { GatewayError } from './errors.ts';
import { count } from './progress.ts';
import type { Environment, TrytonVariables } from './settings.ts';
import { isSet } from './settings.ts';
import type { Stage } from './stage.ts';

const SALES = 300;
const SHOWN = ['party.party', 'sale.sale', 'account.invoice'] as const;

/** The Tryton that the environment names, or else a sandbox of a gas distributor's customers, orders and invoices. */
export async function trytonFor(
  { screen, defer }: Stage,
  wanted: Environment,
): Promise<TrytonVariables | null> {
  if (isSet(wanted, 'TRYTON_RPC_URL')) return null;
  const sandbox = await startSandboxTryton({ sales: SALES, user: 'passerelle', password: 'passerelle' });
  defer(() => sandbox.stop());
  const [parties = 0, sales = 0, invoices = 0] = SHOWN.map((model) => sandbox.count(model));
  screen.line(
    `Tryton: a sandbox at ${sandbox.url} with ${count(parties)} parties, ${count(sales)} sales and ${count(invoices)} invoices`,
  );
  return { TRYTON_RPC_URL: sandbox.url, TRYTON_USER: sandbox.user, TRYTON_PASSWORD: sandbox.password };
}

const report = z.object({
  reachable: z.boolean(),
  authenticated: z.boolean(),
  version: z.string().nullable(),
  error: z.object({ message: z.string() }).nullable(),
});
const answer = z.object({ result: z.int() });

/**
 * A ping and a call through the gateway.
 *
 * @throws GatewayError
 */
export async function checkGateway({ screen, ending }: Stage, { url, key }: Address): Promise<void> {
  const ask = async (path: string, init: RequestInit = {}) => {
    const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
    const response = await ending.before(fetch(`${url}/api/v1/tryton/${path}`, { ...init, headers }));
    return ending.before(response.json());
  };
  const { reachable, authenticated, version, error } = report.parse(await ask('ping'));
  if (!reachable || !authenticated) throw new GatewayError(error?.message ?? 'it is not reachable');
  const body = JSON.stringify({ method: 'model.party.party.search_count', params: [[]] });
  const found = answer.safeParse(await ask('rpc', { method: 'POST', body }));
  if (!found.success) throw new GatewayError('it does not count its parties');
  screen.line(`The gateway reaches Tryton ${version}: ${count(found.data.result)} parties.`);
}
