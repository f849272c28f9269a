import { z } from 'zod';
import { PROTOCOLS } from './odoo/types.ts';
import {
  addresses,
  asksForSizes,
  context,
  count,
  countOrOff,
  cronOrOff,
  duration,
  durationOrOff,
  hasNoUser,
  isPlainAddress,
  isSigningSecret,
  modelName,
  namesDatabase,
  networksOrOff,
  oneOf,
  onOrOff,
  timer,
  url,
} from './variable-types.ts';
import { databaseVariables } from './variables-database.ts';
import { observing } from './variables-observing.ts';
import { redisVariables } from './variables-redis.ts';

const DAY_MS = 86_400_000;

/** Every variable once: schema, default, description. `.env.example` and the docs are checked against it. */
export const variables = {
  DATABASE_URL: url(/^postgres(ql)?$/, 'postgres://user:secret@localhost:5432/passerelle').describe(
    'PostgreSQL 14 or newer',
  ),
  ...databaseVariables,
  ...redisVariables,
  ODOO_URL: url(/^https?$/, 'https://odoo.example.com')
    .refine(
      isPlainAddress,
      'a URL without user, password, query and fragment: ODOO_USER, ODOO_PASSWORD and ODOO_DB say who and what',
    )
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
  ODOO_CONTEXT: context
    .refine(
      (given) => !asksForSizes(given),
      'a JSON object without bin_size: the mirror would hold sizes in the place of contents',
    )
    .default({})
    .describe('JSON merged into the context of every call'),
  ODOO_CONCURRENCY: count(1, 64).default(4).describe('most calls at once, for each process'),
  ODOO_CALLS_PER_SECOND: count(1, 10_000)
    .optional()
    .describe('most calls started per second, for each process; unlimited when unset'),
  ODOO_HOOK_SECRET: z
    .string()
    .regex(/^[\w.~-]{24,}$/, 'a secret of at least 24 letters, digits or any of _ . ~ -')
    .optional()
    .describe('what the webhooks of Odoo bring to /hooks/odoo; without it there is no such route'),
  ODOO_HOOK_DELAY: duration()
    .default(2000)
    .describe('how long what webhooks tell of is collected before it is read from Odoo'),
  SYNC_EVERY: durationOrOff.default(60_000).describe('pause between incremental runs'),
  FULL_SYNC_CRON: cronOrOff.default('0 3 * * *').describe('when a full run starts, UTC'),
  SWEEP_EVERY: durationOrOff
    .default(900_000)
    .describe('pause between sweeps, which compare all ids and dates with the mirror'),
  SWEEP_MAX_SHARE: count(0, 100)
    .default(20)
    .describe(
      'largest share of the BCs that one sweep may archive, and of the lines that one run may remove, in percent',
    ),
  SWEEP_MAX_COUNT: count(0, 10_000_000)
    .default(50)
    .describe('number of BCs or lines that is allowed even if it exceeds the share'),
  SYNC_PAGE_SIZE: count(1, 5000).default(500).describe('BCs per page job'),
  SYNC_OVERLAP: duration()
    .default(600_000)
    .describe(
      'how far a window reaches back before the last one: longer than the longest transaction of Odoo',
    ),
  SYNC_PAGES_IN_FLIGHT: count(1, 64)
    .default(4)
    .describe('pages fetched but not stored yet, all workers together'),
  SYNC_BC_CONCURRENCY: count(1, 1000)
    .default(200)
    .describe('BC jobs in progress at once in one worker; two full groups keep it busy'),
  SYNC_GROUP_SIZE: count(1, 500)
    .default(100)
    .describe('most BCs stored in one transaction; 1 gives each its own'),
  SYNC_GROUP_WAIT_MS: count(0, 10_000)
    .default(20)
    .describe('a group that is not full goes when no BC joined it for so many milliseconds'),
  SYNC_ATTEMPTS: count(1, 20).default(5).describe('tries of a page or BC job before it counts as failed'),
  SYNC_BACKOFF: duration().default(2000).describe('pause before the second try; doubles with each'),
  SYNC_LEASE: timer('3s').default(120_000).describe('how long a lease outlives its last heartbeat'),
  SYNC_BINARIES: onOrOff
    .default(true)
    .describe('whether the contents of binary fields are mirrored: on or off'),
  QUEUE_LOCK: timer('1s')
    .default(30_000)
    .describe('how long a job in progress outlives the worker that died with it'),
  PRUNE_EVERY: durationOrOff.default(3_600_000).describe('pause between prunes of what is kept too long'),
  RETAIN_RUNS: durationOrOff
    .default(90 * DAY_MS)
    .describe('how long runs, resolved failures and alerts are kept; off: for ever'),
  RETAIN_ITEMS: durationOrOff
    .default(7 * DAY_MS)
    .describe('how long it is kept what each run owed, BC by BC; off: as long as the run'),
  RETAIN_AUDIT: durationOrOff
    .default(730 * DAY_MS)
    .describe('how long the audit trail is kept; off: for ever'),
  RETAIN_COMPLETED_JOBS: count(0, 100_000)
    .default(200)
    .describe('completed jobs that each queue keeps for bull-board'),
  RETAIN_FAILED_JOBS: count(0, 1_000_000)
    .default(10_000)
    .describe('failed jobs that each queue keeps for bull-board'),
  ALERT_WEBHOOK_URL: url(/^https?$/, 'https://hooks.example.com/passerelle')
    .optional()
    .describe('where alerts are posted as signed JSON'),
  ALERT_WEBHOOK_SECRET: z
    .string()
    .min(16, 'a secret of at least 16 characters')
    .refine(isSigningSecret, 'a secret that is base64 after whsec_')
    .optional()
    .describe('what the posted alerts are signed with'),
  SMTP_URL: url(/^smtps?$/, 'smtp://user:secret@mail.example.com:587')
    .optional()
    .describe('mail server that alerts are sent by'),
  ALERT_EMAIL_TO: addresses.optional().describe('who gets alerts by e-mail; a comma between two'),
  ALERT_EMAIL_FROM: addresses
    .refine((list) => list.length === 1, 'an address such as passerelle@example.com')
    .optional()
    .describe('sender of the e-mails; the first receiver when unset'),
  ALERT_STALE_INTERVALS: count(1, 100_000)
    .default(10)
    .describe('the mirror counts as stale after so many pauses of SYNC_EVERY without a success'),
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
  API_STATEMENT_TIMEOUT: durationOrOff
    .default(15_000)
    .describe('time limit of one PostgreSQL statement of the API; exports have none'),
  HOST: z
    .string()
    .default('127.0.0.1')
    .describe('address the API listens on, and a worker with METRICS_PORT'),
  PORT: count(0, 65_535).default(3000).describe('port the API listens on'),
  SHUTDOWN_DRAIN: timer('0s')
    .default(0)
    .describe(
      'how long the API still takes requests once it is asked to stop, while /readyz tells load balancers 503',
    ),
  SHUTDOWN_DEADLINE: timer('1s')
    .default(25_000)
    .describe('how long answers and jobs in progress may take to end, API and worker alike'),
  TRUST_PROXY: networksOrOff
    .default([])
    .describe(
      'proxies whose X-Forwarded-For and X-Forwarded-Proto are believed: addresses or networks, a comma between two; off: none',
    ),
  ...observing,
  ADMIN_USER: z.string().default('admin').describe('login of the admin pages'),
  ADMIN_PASSWORD: z
    .string()
    .min(1)
    .optional()
    .describe(
      'password of the admin pages; production needs it, otherwise each start of the API generates one and writes it to stderr',
    ),
} as const;
