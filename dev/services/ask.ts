import { Redis } from 'ioredis';
import postgres from 'postgres';

const CONNECT_LIMIT_S = 5;

/** Returns when PostgreSQL answers a query; throws whatever keeps it from doing so. */
export async function askPostgres(url: string): Promise<void> {
  const client = postgres(url, {
    max: 1,
    connect_timeout: CONNECT_LIMIT_S,
    onnotice: () => {},
    // Its query for array types fails where no code can catch it, if a server stops in between.
    fetch_types: false,
  });
  try {
    await client`select 1`;
  } finally {
    await client.end({ timeout: 0 });
  }
}

/** Returns when Redis answers PING; throws whatever keeps it from doing so. */
export async function askRedis(url: string): Promise<void> {
  const client = new Redis(url, {
    lazyConnect: true,
    connectTimeout: CONNECT_LIMIT_S * 1000,
    maxRetriesPerRequest: 0,
    retryStrategy: () => null,
  });
  // The error that counts is the one that connect() throws.
  client.on('error', () => {});
  try {
    await client.connect();
    await client.ping();
  } finally {
    client.disconnect();
  }
}

/** Whether the question went well; for those who will ask again. */
export function answers(question: Promise<void>): Promise<boolean> {
  return question.then(
    () => true,
    () => false,
  );
}
