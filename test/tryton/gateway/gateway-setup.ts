import { onTestFinished } from 'vitest';
import type { SandboxTrytonOptions } from '../../../dev/sandbox-tryton/sandbox.ts';
import { startSandboxTryton } from '../../../dev/sandbox-tryton/sandbox.ts';
import type { TrytonConfig } from '../../../src/config/index.ts';
import { clientOptions } from '../../../src/gateway.ts';
import type { CallOutcome, TrytonClientOptions } from '../../../src/tryton/index.ts';
import { TrytonClient } from '../../../src/tryton/index.ts';
import { freshPrefix, openCacheRedis, redisUrl } from '../../support/redis.ts';

/** A Tryton that a flow may disturb, with a user of its own. */
export interface TrytonStage {
  readonly url: string;
  readonly user: string;
  /** The password as it is now. */
  readonly password: string;
  /** A password that is not the user's, and may be given to them. */
  readonly otherPassword: string;
  setPassword(password: string): Promise<void>;
  /** Sessions of this user that are good now: one for each login since they were deleted. */
  sessions(): Promise<number>;
  forgetSessions(): Promise<void>;
  /** Refused logins that Tryton counts against the user. */
  attempts(): Promise<number>;
  stop(): Promise<void>;
  start(): Promise<void>;
  close(): Promise<void>;
}

export type OpenStage = () => Promise<TrytonStage>;

export async function sandboxStage(options: SandboxTrytonOptions): Promise<TrytonStage> {
  const sandbox = await startSandboxTryton(options);
  const { url, user, password } = sandbox;
  return {
    url,
    user,
    password,
    otherPassword: 'Zk4-pRw8.tHb1',
    setPassword: async (next) => sandbox.setPassword(user, next),
    sessions: async () => sandbox.sessions,
    forgetSessions: async () => sandbox.forgetSessions(),
    attempts: async () => sandbox.attempts(user),
    stop: sandbox.stop,
    start: sandbox.start,
    close: sandbox.stop,
  };
}

/** Settings of a gateway, as quick as the scene allows. */
export function settingsFor({
  url,
  user,
  password,
}: Pick<TrytonStage, 'url' | 'user' | 'password'>): TrytonConfig {
  return {
    url,
    user,
    password,
    context: {},
    sessionTtlMs: 3_600_000,
    timeoutMs: 5000,
    retries: 3,
    deadlineMs: 20_000,
    maxAnswerBytes: 8 * 2 ** 20,
    loginCooldownMs: 300_000,
  };
}

/** The client of one process, as the gateway opens it, and its events. */
export function openGatewayClient(
  config: TrytonConfig,
  { prefix = freshPrefix(), redis: at = redisUrl(), ...options }: GatewayClientOptions = {},
) {
  const redis = openCacheRedis(at);
  const outcomes: CallOutcome[] = [];
  const client = new TrytonClient({
    ...clientOptions(config, { redis, prefix }),
    onOutcome: (outcome) => outcomes.push(outcome),
    ...options,
  });
  onTestFinished(async () => {
    await client.close();
    redis.disconnect();
  });
  return { client, outcomes };
}

type GatewayClientOptions = Partial<TrytonClientOptions> & {
  readonly prefix?: string;
  readonly redis?: string;
};

/** The codes of those that failed. */
export async function codesOf(calls: readonly Promise<unknown>[]): Promise<string[]> {
  const settled = await Promise.allSettled(calls);
  return settled.flatMap((one) => (one.status === 'rejected' ? [String(Object(one.reason).code)] : []));
}
