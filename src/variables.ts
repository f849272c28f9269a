import { CronExpressionParser } from 'cron-parser';
import { z } from 'zod';
import { PROTOCOLS } from './odoo/types.ts';

const UNIT_MS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** `90s`, `10m`, `1h` as milliseconds; NaN for anything else. */
export function milliseconds(text: string): number {
  const [, amount, unit] = /^(\d+)(ms|s|m|h|d)$/.exec(text) ?? [];
  return Number(amount) * UNIT_MS[unit as keyof typeof UNIT_MS];
}

const duration = (leastMs = 0, expected = 'a duration such as 30s, 10m or 1h') =>
  z
    .string()
    .transform(milliseconds)
    .refine((ms) => ms >= leastMs, expected);

const durationOrOff = z
  .string()
  .transform((text) => (text === 'off' ? null : milliseconds(text)))
  .refine((ms) => ms === null || ms >= 1000, 'a duration of at least 1s such as 30s, 10m or 1h, or off');

const cronOrOff = z
  .string()
  .refine(isCronOrOff, 'a cron pattern of 5 or 6 fields such as "0 3 * * *", or off')
  .transform((text) => (text === 'off' ? null : text));

/** By the parser that BullMQ schedules with. */
function isCronOrOff(text: string): boolean {
  if (text === 'off') return true;
  if (!/^\S+(\s+\S+){4,5}$/.test(text)) return false;
  try {
    CronExpressionParser.parse(text, { tz: 'UTC' }).next();
    return true;
  } catch {
    return false;
  }
}

const oneOf = <const Names extends readonly [string, ...string[]]>(names: Names) =>
  z.enum(names, { error: `one of ${names.join(', ')}` });

const wholeNumber = (least: number, most: number) => `a whole number from ${least} to ${most}`;

const count = (least: number, most: number, expected = wholeNumber(least, most)) =>
  z.coerce.number({ error: expected }).int(expected).min(least, expected).max(most, expected);

const countOrOff = (least: number, most: number) => {
  const expected = `${wholeNumber(least, most)}, or off`;
  const off = z.literal('off').transform(() => null);
  return z.union([off, count(least, most, expected)], { error: expected });
};

const url = (protocols: RegExp, example: string) =>
  z.url({ protocol: protocols, error: `a URL such as ${example}` });

const namesDatabase = (text: string) => URL.canParse(text) && /^\/[^/]+\/?$/.test(new URL(text).pathname);
const hasNoUser = (text: string) =>
  URL.canParse(text) && new URL(text).username === '' && new URL(text).password === '';

const modelName = z.string().regex(/^[a-z_][a-z0-9_.]*$/, 'an Odoo model name such as dimagaz.bc');

const context = z.string().transform((text, issue) => {
  try {
    return z.record(z.string(), z.json()).parse(JSON.parse(text));
  } catch {
    issue.addIssue({ code: 'custom', message: 'a JSON object such as {"lang":"fr_FR"}' });
    return z.NEVER;
  }
});

/** Every variable once: schema, default, description. `.env.example` and the docs are checked against it. */
export const variables = {
  DATABASE_URL: url(/^postgres(ql)?$/, 'postgres://user:secret@localhost:5432/passerelle').describe(
    'PostgreSQL 14 or newer',
  ),
  REDIS_URL: url(/^rediss?$/, 'redis://localhost:6379').describe('Redis 6.2 or newer, or Valkey'),
  QUEUE_PREFIX: z
    .string()
    .regex(/^[\w-]+$/, 'a text of letters, digits, _ or -')
    .default('passerelle')
    .describe('first part of every Redis key: one for each mirror that shares a Redis'),
  ODOO_URL: url(/^https?$/, 'https://odoo.example.com')
    .optional()
    .describe('Odoo server; without it there is no mirror'),
  ODOO_DB: z.string().optional().describe('Odoo database'),
  ODOO_USER: z.string().optional().describe('Odoo login'),
  ODOO_PASSWORD: z.string().optional().describe('password or API key of that login'),
  ODOO_PROTOCOL: oneOf(['auto', ...PROTOCOLS])
    .default('auto')
    .describe('how to talk to Odoo'),
  ODOO_TIMEOUT_MS: count(1, 600_000).default(30_000).describe('time limit of one call, in milliseconds'),
  ODOO_MODEL: modelName.default('dimagaz.bc').describe('header model'),
  ODOO_LINE_MODEL: modelName.default('dimagaz.bc.line').describe('line model'),
  ODOO_LINES_FIELD: z
    .string()
    .optional()
    .describe('the one2many of the header that holds the lines; only needed where several fit'),
  ODOO_CONTEXT: context.default({}).describe('JSON merged into the context of every call'),
  ODOO_CONCURRENCY: count(1, 64).default(4).describe('most calls at once, for each process'),
  ODOO_CALLS_PER_SECOND: count(1, 10_000)
    .optional()
    .describe('most calls started per second, for each process; unlimited when unset'),
  SYNC_EVERY: durationOrOff.default(60_000).describe('pause between incremental runs'),
  FULL_SYNC_CRON: cronOrOff.default('0 3 * * *').describe('when a full run starts, UTC'),
  SWEEP_EVERY: durationOrOff
    .default(900_000)
    .describe('pause between sweeps, which compare all ids and dates with the mirror'),
  SWEEP_MAX_SHARE: count(0, 100)
    .default(20)
    .describe('most BCs that one sweep may archive, in percent of those in the mirror'),
  SWEEP_MAX_COUNT: count(0, 10_000_000)
    .default(50)
    .describe('most BCs that one sweep may archive where that is more than the share'),
  SYNC_PAGE_SIZE: count(1, 5000).default(500).describe('BCs per page job'),
  SYNC_OVERLAP: duration()
    .default(600_000)
    .describe(
      'how far a window reaches back before the last one: longer than the longest transaction of Odoo',
    ),
  SYNC_PAGES_IN_FLIGHT: count(1, 64)
    .default(4)
    .describe('pages fetched but not stored yet, all workers together'),
  SYNC_BC_CONCURRENCY: count(1, 200).default(8).describe('BCs stored at once by one worker'),
  SYNC_ATTEMPTS: count(1, 20).default(5).describe('tries of a page or BC job before it counts as failed'),
  SYNC_BACKOFF: duration().default(2000).describe('pause before the second try; doubles with each'),
  SYNC_LEASE: duration(3000, 'a duration of at least 3s such as 30s, 10m or 1h')
    .default(120_000)
    .describe('how long a lease outlives its last heartbeat'),
  TRYTON_RPC_URL: url(/^https?$/, 'http://tryton:8000/tryton/')
    .refine(namesDatabase, 'a URL that ends in the name of the database, such as http://tryton:8000/tryton/')
    .refine(hasNoUser, 'a URL without user and password, which belong in TRYTON_USER and TRYTON_PASSWORD')
    .optional()
    .describe('Tryton database, its name as the path; without it there is no gateway'),
  TRYTON_USER: z.string().optional().describe('Tryton login'),
  TRYTON_PASSWORD: z.string().optional().describe('password of that login'),
  TRYTON_CONTEXT: context.default({}).describe('JSON merged into the context of every Tryton call'),
  TRYTON_SESSION_TTL: count(1, 2_592_000).default(86_400).describe('seconds a Tryton session is kept'),
  TRYTON_TIMEOUT_MS: count(1, 600_000)
    .default(10_000)
    .describe('time limit of one Tryton call, in milliseconds'),
  TRYTON_RETRIES: count(0, 10).default(3).describe('further tries of a read that found no answer'),
  TRYTON_DEADLINE_MS: count(1, 600_000)
    .default(30_000)
    .describe('time limit of a Tryton call with all its retries, in milliseconds'),
  TRYTON_LOGIN_COOLDOWN: duration(1)
    .default(300_000)
    .describe('how long no login is tried after one was refused; Tryton forgets refused logins after 5m'),
  API_RATE_LIMIT: countOrOff(1, 10_000_000)
    .default(30_000)
    .describe('most API requests per minute, for each key'),
  HOST: z.string().default('127.0.0.1').describe('address the API listens on'),
  PORT: count(0, 65_535).default(3000).describe('port the API listens on'),
  LOG_LEVEL: oneOf(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'])
    .default('info')
    .describe('least severe message that is logged'),
  ADMIN_USER: z.string().default('admin').describe('login of the admin pages'),
  ADMIN_PASSWORD: z
    .string()
    .min(1)
    .optional()
    .describe('password of the admin pages; without it they answer on loopback only'),
} as const;
