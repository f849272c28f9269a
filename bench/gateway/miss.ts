import { Pool } from 'undici';
import type { Contender } from '../frame/figure.ts';
import { BenchFailedError } from '../memory/errors.ts';
import type { GatewayStage } from './stage.ts';

/** A new call at each request, so that no cache knows its answer. */
function newCalls() {
  let number = 0;
  return () => {
    number += 1;
    const params = [[['id', '!=', -number]], 0, 5, null, ['name', 'code'], {}];
    return { method: 'model.party.party.search_read', params };
  };
}

/** One after the other over a connection that stays open, as long as `close` is not called. */
function openPost(url: string, authorization: string) {
  const { origin, pathname: path } = new URL(url);
  const pool = new Pool(origin, { connections: 1 });
  const headers = { 'content-type': 'application/json', authorization };
  const post = async (body: object): Promise<{ result?: unknown }> => {
    const answer = await pool.request({ method: 'POST', path, headers, body: JSON.stringify(body) });
    const text = await answer.body.text();
    if (answer.statusCode !== 200)
      throw new BenchFailedError(`${url} answered ${answer.statusCode}: ${text.slice(0, 200)}`);
    return JSON.parse(text);
  };
  return { post, close: () => pool.close() };
}

/** Milliseconds of one call that the cache does not know, through the gateway and straight to Tryton. */
export async function openMisses({ url, key, sandbox }: GatewayStage) {
  const gateway = openPost(`${url}/api/v1/tryton/rpc`, `Bearer ${key}`);
  const direct = openPost(sandbox.url, await signIn(sandbox));
  const nextOfGateway = newCalls();
  const nextOfDirect = newCalls();
  const contenders: readonly Contender[] = [
    {
      name: 'through the gateway',
      measure: () => timed(() => gateway.post({ ...nextOfGateway(), cache: 60 })),
    },
    { name: 'straight to Tryton', measure: () => timed(() => direct.post({ id: 1, ...nextOfDirect() })) },
  ];
  const close = async () => {
    await gateway.close();
    await direct.close();
  };
  return { contenders, close };
}

async function timed(work: () => Promise<{ result?: unknown }>): Promise<number> {
  const start = performance.now();
  const { result } = await work();
  const ms = performance.now() - start;
  if (!Array.isArray(result) || result.length === 0) throw new BenchFailedError('a call found nothing');
  return ms;
}

/** The header of a session of its own. */
async function signIn({ url, user, password }: GatewayStage['sandbox']): Promise<string> {
  const { post, close } = openPost(url, '');
  const { result } = await post({ id: 1, method: 'common.db.login', params: [user, { password }] });
  await close();
  return `Session ${Buffer.from(`${user}:${String(result).replace(',', ':')}`).toString('base64')}`;
}
