import type { SandboxTryton, SandboxTrytonOptions } from '../../../dev/sandbox-tryton/sandbox.ts';
import { startSandboxTryton } from '../../../dev/sandbox-tryton/sandbox.ts';
import type { Problem } from '../../../src/api/problem-details.ts';
import type { TestApi } from '../http/start-api.ts';
import { startApi } from '../http/start-api.ts';

interface Call {
  readonly method: string;
  readonly params?: readonly unknown[];
  readonly cache?: unknown;
}

interface Answered {
  readonly status: number;
  readonly headers: Record<string, unknown>;
  readonly text: string;
  readonly result?: unknown;
  readonly problem: Problem;
}

export interface TrytonApi extends TestApi {
  readonly sandbox: SandboxTryton;
  /** Posts one call, or a text as it is. */
  rpc(call: Call | string, headers?: Record<string, string>): Promise<Answered>;
  batch(
    calls: readonly Call[],
    headers?: Record<string, string>,
  ): Promise<{ result?: unknown; error?: Problem }[]>;
  /** Methods that arrived at Tryton since the last look, sign-ins left out. */
  arrived(): string[];
}

export const NO_RETRIES = { TRYTON_RETRIES: '0' };
/** For a Tryton that hangs. Other calls must be answered in this time, also on a loaded machine. */
export const HASTY = { ...NO_RETRIES, TRYTON_TIMEOUT_MS: '2000', TRYTON_DEADLINE_MS: '4000' };

/** The API in front of a sandbox Tryton of its own. */
export async function startTrytonApi(
  env: Record<string, string> = {},
  options: SandboxTrytonOptions = {},
  replaced: Parameters<typeof startApi>[1] = {},
): Promise<TrytonApi> {
  const sandbox = await startSandboxTryton(options);
  const { url, user, password } = sandbox;
  const api = await startApi(
    { TRYTON_RPC_URL: url, TRYTON_USER: user, TRYTON_PASSWORD: password, ...env },
    replaced,
  );
  const post = (payload: string, headers: Record<string, string> = {}) =>
    api.inject({
      method: 'POST',
      url: '/api/v1/tryton/rpc',
      headers: { 'content-type': 'application/json', ...headers },
      payload,
    });
  return {
    ...api,
    sandbox,
    rpc: async (call, headers) => {
      const answer = await post(typeof call === 'string' ? call : JSON.stringify(call), headers);
      const body = answer.json();
      return {
        status: answer.statusCode,
        headers: answer.headers,
        text: answer.payload,
        result: body.result,
        problem: body,
      };
    },
    batch: async (calls, headers) => (await post(JSON.stringify(calls), headers)).json(),
    arrived: () =>
      sandbox.calls
        .splice(0)
        .map(({ method }) => method)
        .filter((method) => !method.startsWith('common.db.')),
    close: async () => {
      await api.close();
      await sandbox.stop();
    },
  };
}
