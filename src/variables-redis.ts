import { z } from 'zod';
import { fileText, hosts, onOrOff, url } from './variable-types.ts';

/** How Redis is reached: one server, the one that sentinels name, or a cluster. */
export const redisVariables = {
  REDIS_URL: url(/^rediss?$/, 'redis://localhost:6379').describe('Redis 6.2 or newer, or Valkey'),
  REDIS_TLS_CA_FILE: fileText
    .optional()
    .describe('certificates (PEM) that a rediss:// server is trusted by; those of Node when unset'),
  REDIS_TLS_CERT_FILE: fileText
    .optional()
    .describe('certificate (PEM) that a rediss:// server knows this process by'),
  REDIS_TLS_KEY_FILE: fileText.optional().describe('key (PEM) of that certificate'),
  REDIS_SENTINELS: hosts(26_379)
    .optional()
    .describe(
      'sentinels that name the server, a comma between two; of REDIS_URL only user, password, database and TLS count then',
    ),
  REDIS_SENTINEL_NAME: z.string().default('mymaster').describe('what the sentinels call the server'),
  REDIS_SENTINEL_PASSWORD: z.string().optional().describe('password of the sentinels themselves'),
  REDIS_CLUSTER: onOrOff
    .default(false)
    .describe('whether REDIS_URL names a node of a cluster, whose others it tells: on or off'),
  QUEUE_PREFIX: z
    .string()
    .regex(/^[\w-]+$/, 'a text of letters, digits, _ or -')
    .default('passerelle')
    .describe(
      'first part of every Redis key; each installation that shares a Redis needs its own, a second one is refused',
    ),
} as const;
