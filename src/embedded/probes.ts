import { setTimeout as pause } from 'node:timers/promises';
import { Redis } from 'ioredis';
import postgres from 'postgres';

const CONNECT_LIMIT_S = 5;

/** Returns if PostgreSQL answers a query; otherwise throws the reason. */
export async function askPostgres(url: string): Promise<void> {
  const client = postgres(url, {
    max: 1,
    connect_timeout: CONNECT_LIMIT_S,
    onnotice: () => {},
    // Its query for array types fails outside of any catch if a server stops meanwhile.
    fetch_types: false,
  });
  try {
    await client`select 1`;
  } finally {
    await client.end({ timeout: 0 });
  }
}

/** Returns if Redis answers PING; otherwise throws the reason. */
export async function askRedis(url: string): Promise<void> {
  const client = new Redis(url, {
    lazyConnect: true,
    connectTimeout: CONNECT_LIMIT_S * 1000,
    maxRetriesPerRequest: 0,
    retryStrategy: () => null,
  });
  // The error that counts is the one of connect().
  client.on('error', () => {});
  try {
    await client.connect();
    await client.ping();
  } finally {
    client.disconnect();
  }
}

/** Whether the probe succeeded; for callers that repeat it. */
export function answers(question: Promise<void>): Promise<boolean> {
  return question.then(
    () => true,
    () => false,
  );
}

const EVERY_MS = 20;

type Falsy = undefined | null | false;

/**
 * Calls `condition` every 20 ms until it returns something other than undefined, null or false, and returns that.
 *
 * @throws Error that names `what` after `limitMs`. An error of `condition` is thrown at once.
 */
export async function poll<T>(
  condition: () => Promise<T | Falsy> | T | Falsy,
  what: string,
  limitMs: number,
): Promise<T> {
  const end = performance.now() + limitMs;
  for (;;) {
    const value = await condition();
    if (value !== undefined && value !== null && value !== false) return value;
    if (performance.now() > end) throw new Error(`Waited ${limitMs / 1000} s without success for: ${what}`);
    await pause(EVERY_MS);
  }
}
