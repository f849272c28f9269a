import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasRedisBinary } from '../support/redis-servers.ts';
import { waitFor } from '../support/wait-for.ts';
import { type Attempt, openAttempts } from './attempts.ts';
import { openWrongServers, type WrongServers } from './wrong-servers.ts';

declare module 'vitest' {
  interface TaskMeta {
    /** A row for a table of all messages: `vitest --reporter=json` prints it. */
    wrongConfiguration?: { readonly number: number; readonly tried: string; readonly message: string };
  }
}

let servers: WrongServers;
beforeAll(async () => {
  servers = await openWrongServers();
});
afterAll(async () => {
  await attempts.close();
  await servers.close();
});

const attempts = openAttempts(() => servers);
const { command, database, inFolder, ping, processWith, right, status, stores, verify } = attempts;

/** 1 to 19 are those of the review of the user's first hour. */
const WRONG: Readonly<Record<number, readonly Attempt[]>> = {
  1: [
    {
      tried: 'nothing set',
      message: () => command({}, 'status'),
      says: [/DATABASE_URL/, /is required/, /a URL such as postgres:.*\n.*REDIS_URL is required.*redis:/],
    },
  ],
  2: [
    {
      tried: '`ODOO_PASWORD`',
      message: () =>
        inFolder(
          'command',
          'ODOO_PASWORD=hush\n',
          { ODOO_URL: 'http://o', ODOO_DB: 'd', ODOO_USER: 'u' },
          'sync',
        ),
      says: [
        /line 1 of \.env/,
        /ODOO_PASWORD .*has no effect/,
        /Did you mean ODOO_PASSWORD\?[\s\S]*PASSWORD is required/,
      ],
    },
  ],
  3: [
    {
      tried: '`SYNC_EVRY=5s`',
      message: () => inFolder('worker', 'SYNC_EVRY=5s\n'),
      says: [/line 1 of \.env/, /SYNC_EVRY .*has no effect/, /Did you mean SYNC_EVERY\?/],
    },
  ],
  4: [
    {
      tried: '`SYNC_EVERY=5sec` in `.env`',
      message: () => inFolder('api', '# often\n\nSYNC_EVERY=5sec\n'),
      says: [/SYNC_EVERY:.*line 3 of \.env/, /got "5sec"/, /expected a duration .* such as 30s/],
    },
    {
      tried: '`SYNC_EVERY=5sec` in the environment',
      message: () => inFolder('worker', 'SYNC_EVERY=1m\n', { SYNC_EVERY: '5sec' }),
      says: [/SYNC_EVERY:.*from the environment/, /got "5sec"/, /expected a duration .* such as 30s/],
    },
  ],
  5: [
    {
      tried: "`FULL_SYNC_CRON='0 25 * * *'`",
      message: () => status({ FULL_SYNC_CRON: '0 25 * * *' }),
      says: [
        /FULL_SYNC_CRON:/,
        /there is no hour 25; got "0 25 \* \* \*"/,
        /expected a cron pattern of 5 or 6 fields/,
      ],
    },
  ],
  6: [
    {
      tried: 'five at once',
      message: () =>
        status({ PORT: 'x', SYNC_LEASE: '1s', LOG_LEVEL: 'loud', ODOO_CONCURRENCY: '0', TRUST_PROXY: 'all' }),
      says: [
        /ODOO_CONCURRENCY: .*\n.*SYNC_LEASE: .*\n.*PORT: .*\n.*TRUST_PROXY: .*\n.*LOG_LEVEL: /,
        /got "loud"/,
        /one of/,
      ],
    },
  ],
  7: [
    {
      tried: 'not migrated: command',
      message: () => status({ DATABASE_URL: servers.unmigrated }),
      says: [/database at \S+_bare/, /lacks migrations \(0000_mirror/, /run "passerelle migrate"/],
    },
    ...(['api', 'worker'] as const).map((which) => ({
      tried: `not migrated: ${which}`,
      message: () => processWith(which, { DATABASE_URL: servers.unmigrated }),
      says: [/database at \S+_bare/, /lacks migrations \(0000_mirror/, /run "passerelle migrate"/] as const,
    })),
  ],
  8: [
    {
      tried: 'PostgreSQL: password',
      message: () => database('password', 'hush'),
      says: [
        /PostgreSQL at \S+/,
        /password authentication failed/,
        /Check the password of \w+ in DATABASE_URL/,
      ],
    },
    {
      tried: 'PostgreSQL: port',
      message: () => database('port', '1'),
      says: [/PostgreSQL at \S+:1\//, /ECONNREFUSED/, /Check DATABASE_URL/],
    },
    {
      tried: 'PostgreSQL: host',
      message: () => database('hostname', 'nowhere.invalid'),
      says: [/PostgreSQL at nowhere\.invalid/, /ENOTFOUND/, /Check DATABASE_URL/],
    },
    {
      tried: 'PostgreSQL: database',
      message: () => database('pathname', '/nope'),
      says: [/PostgreSQL at \S+\/nope/, /database "nope" does not exist/, /Create it with "createdb nope"/],
    },
  ],
  9: [
    {
      tried: 'Redis: port, command',
      message: () => status({ REDIS_URL: 'redis://127.0.0.1:1' }),
      says: [/Redis at 127\.0\.0\.1:1/, /ECONNREFUSED/, /Check REDIS_URL/],
    },
    ...(['api', 'worker'] as const).map((which) => ({
      tried: `Redis: port, ${which}`,
      message: () => processWith(which, { REDIS_URL: 'redis://127.0.0.1:1' }),
      says: [
        /Redis at 127\.0\.0\.1:1/,
        /ECONNREFUSED/,
        /Check REDIS_URL\. Start Redis if it is down/,
      ] as const,
    })),
    ...(hasRedisBinary
      ? [
          {
            tried: 'Redis: wrong password',
            message: () => status({ REDIS_URL: `redis://:hush@${servers.lockedRedis}` }),
            says: [/Redis at 127/, /WRONGPASS/, /Check REDIS_URL/] as const,
          },
          {
            tried: 'Redis: no password',
            message: () => status({ REDIS_URL: `redis://${servers.lockedRedis}` }),
            says: [/Redis at 127/, /NOAUTH/, /Check REDIS_URL/] as const,
          },
        ]
      : []),
  ],
  10: [
    {
      tried: 'Odoo: refused',
      message: () => verify({ ODOO_URL: 'http://127.0.0.1:1' }),
      says: [
        /Odoo at http:\/\/127\.0\.0\.1:1/,
        /no connection \(ECONNREFUSED\)/,
        /Check ODOO_URL and that the server is up/,
      ],
    },
    {
      tried: 'Odoo: unknown host',
      message: () => verify({ ODOO_URL: 'http://nowhere.invalid' }),
      says: [/Odoo at http:\/\/nowhere\.invalid/, /no connection \(\w+\)/, /Check ODOO_URL/],
    },
  ],
  11: [
    {
      tried: 'Odoo: wrong password',
      message: () => verify({ ODOO_PASSWORD: 'hush' }),
      says: [
        /Odoo at http/,
        /the login of passerelle was refused\./,
        /Check ODOO_USER and ODOO_PASSWORD\. API keys expire/,
      ],
    },
  ],
  12: [
    {
      tried: 'Odoo: wrong database',
      message: () => verify({ ODOO_DB: 'nowhere' }),
      says: [/database nowhere/, /no such database/, /Check ODOO_DB/],
    },
    {
      tried: 'Odoo: wrong model',
      message: () => verify({ ODOO_MODEL: 'no.such.model' }),
      says: [/call no\.such\.model/, /there is no model no\.such\.model/, /Check ODOO_MODEL/],
    },
    {
      tried: 'Odoo: `/web`',
      message: () => verify({ ODOO_URL: `${right()['ODOO_URL']}/web` }),
      says: [/Odoo at http\S+\/web/, /HTTP 404/, /ODOO_URL must be the server's root/],
    },
    {
      tried: 'not an Odoo',
      message: () => verify({ ODOO_URL: servers.page }),
      says: [
        /Odoo at http/,
        /a web page \("Our shop"\)/,
        /something in front of Odoo answers in its place\. Check ODOO_URL/,
      ],
    },
  ],
  13: [
    {
      tried: '`https://` on an http server',
      message: () => verify({ ODOO_URL: (right()['ODOO_URL'] ?? '').replace('http:', 'https:') }),
      says: [/Odoo at https/, /this server speaks plain HTTP, not HTTPS/, /Write http:\/\/ in ODOO_URL/],
    },
  ],
  14: [
    {
      tried: '`odoo.example.com`',
      message: () => status({ ODOO_URL: 'odoo.example.com' }),
      says: [
        /ODOO_URL:/,
        /got "odoo\.example\.com".* It has no scheme/,
        /write https:\/\/odoo\.example\.com/,
      ],
    },
  ],
  15: [
    {
      tried: 'Tryton: down',
      message: () => ping({ TRYTON_RPC_URL: 'http://127.0.0.1:1/tryton/' }),
      says: [/Tryton at http/, /no connection \(ECONNREFUSED\)/, /Check TRYTON_RPC_URL/],
    },
    {
      tried: 'Tryton: password',
      message: () => ping({ TRYTON_PASSWORD: 'hush' }),
      says: [/Tryton at http/, /login and password were refused/, /Check TRYTON_USER and TRYTON_PASSWORD/],
    },
    {
      tried: 'Tryton: database',
      message: () => ping({ TRYTON_RPC_URL: `${new URL(servers.tryton.url).origin}/nowhere/` }),
      says: [
        /Tryton at http\S+\/nowhere/,
        /there is no such database/,
        /The path of TRYTON_RPC_URL must be its name/,
      ],
    },
    {
      tried: 'Tryton: no path',
      message: () => ping({ TRYTON_RPC_URL: 'http://tryton:8000' }),
      says: [/TRYTON_RPC_URL:/, /got "http:\/\/tryton:8000"/, /ends in the name of the database/],
    },
  ],
  16: [
    {
      tried: 'port of the API taken',
      message: () => processWith('api', { PORT: servers.taken }),
      says: [/Port \d+ on 127/, /is taken/, /set PORT/],
    },
    {
      tried: 'port of the metrics taken',
      message: () => processWith('worker', { METRICS_PORT: servers.taken }),
      says: [/METRICS_PORT \d+/, /cannot be listened on/, /each worker of a machine needs its own/],
    },
    {
      tried: 'a foreign `HOST`',
      message: () => processWith('api', { HOST: '192.0.2.1' }),
      says: [/192\.0\.2\.1/, /is not an address of this machine/, /check HOST/],
    },
  ],
  17: [
    {
      tried: 'SMTP without a receiver',
      message: () => status({ SMTP_URL: 'smtp://mail.example.com' }),
      says: [/ALERT_EMAIL_TO/, /is required with SMTP_URL/, /receivers of alerts by e-mail/],
    },
    {
      tried: 'SMTP: refused',
      message: () =>
        command(
          { ...stores(), SMTP_URL: 'smtp://127.0.0.1:1', ALERT_EMAIL_TO: 'a@b.example' },
          'alerts',
          'test',
        ),
      says: [/127\.0\.0\.1:1/, /ECONNREFUSED/, /Check SMTP_URL/],
    },
    {
      tried: '`ODOO_CONTEXT` that is no JSON',
      message: () => status({ ODOO_CONTEXT: 'lang=fr_FR' }),
      says: [/ODOO_CONTEXT:/, /got "lang=fr_FR"/, /expected a JSON object such as/],
    },
  ],
  18: [
    {
      tried: '`ODOO_PASSWORD=pa#ss word` in `.env`',
      message: () => inFolder('command', 'ODOO_PASSWORD=pa#ss word\n', {}, 'status'),
      says: [/Line 1 of \.env/, /ODOO_PASSWORD ends before the "#"/, /Put the value in single quotes/],
    },
    {
      tried: '`ODOO_PASSWORD=pass word` in `.env`',
      message: () => inFolder('command', 'ODOO_PASSWORD=pass word\n', {}, 'status'),
      says: [/Line 1 of \.env/, /ODOO_PASSWORD has a blank and no quotes/, /Put the value in single quotes/],
    },
  ],
  19: [
    {
      tried: 'Odoo and Tryton unset: api',
      message: () => processWith('api', { ODOO_URL: '' }),
      says: [/ODOO_URL and TRYTON_RPC_URL are not set/, /nothing to serve/, /Set one of them/],
    },
    {
      tried: 'Odoo and Tryton unset: worker',
      message: () => processWith('worker', { ODOO_URL: '' }),
      says: [/ODOO_URL is not set/, /this worker has nothing to do/, /Set it and start the worker again/],
    },
  ],
  20: [
    {
      tried: 'a variable twice in `.env`',
      message: () => inFolder('command', 'SYNC_EVERY=1m\n\nSYNC_EVERY=5m\n', {}, 'status'),
      says: [/lines 1 and 3 of \.env/, /the last one counts/, /Remove one/],
    },
  ],
  21: [
    {
      tried: 'a quote in `.env` that is not closed',
      message: () => inFolder('command', 'ODOO_USER="me\nODOO_DB=prod\nODOO_MODEL="a.b"\n', {}, 'status'),
      says: [
        /Line 1 of \.env/,
        /the quotes around the value of ODOO_USER are not closed/,
        /Close them on the same line/,
      ],
    },
  ],
  22: [
    {
      tried: "`ODOO_PASSWORD='pa'ss'` in `.env`",
      message: () => inFolder('command', "ODOO_PASSWORD='pa'ss'\n", {}, 'status'),
      says: [/Line 1 of \.env/, /ODOO_PASSWORD ends at its second quote/, /Use another kind of quotes/],
    },
  ],
  23: [
    {
      tried: '`.env` is a directory (made by `docker run --volume`)',
      message: () => inFolder('api', null),
      says: [/\S+\/\.env/, /cannot be read \(EISDIR\)/, /Make it a file that this user can read/],
    },
  ],
  24: [
    {
      tried: '`ODOO_USERNAME`',
      message: () => status({ ODOO_USER: '', ODOO_USERNAME: 'me' }),
      says: [/from the environment/, /ODOO_USERNAME .*has no effect/, /Did you mean ODOO_USER\?/],
    },
  ],
  25: [
    {
      tried: '`odoo_url`',
      message: () => inFolder('worker', 'odoo_url=https://odoo.example.com\n'),
      says: [/line 1 of \.env/, /odoo_url .*has no effect/, /Did you mean ODOO_URL\?/],
    },
  ],
  26: [
    {
      tried: '`ODOO_URL: https://…` in `.env`, as in YAML',
      message: () => inFolder('command', 'ODOO_URL: https://odoo.example.com\n', {}, 'status'),
      says: [/Line 1 of \.env/, /has no effect/, /Write ODOO_URL=value/],
    },
  ],
  27: [
    {
      tried: '`REDIS_URL=localhost:6379`',
      message: () => status({ REDIS_URL: 'localhost:6379' }),
      says: [/REDIS_URL:/, /It has no scheme/, /write redis:\/\/localhost:6379/],
    },
  ],
  28: [
    {
      tried: 'a short `METRICS_TOKEN`',
      message: () => status({ METRICS_TOKEN: 'hush' }),
      says: [/METRICS_TOKEN:/, /got a value of 4 characters/, /expected a secret of at least 16 characters/],
    },
  ],
  29: [
    {
      tried: 'Tryton: `https://` on an http server',
      message: () => ping({ TRYTON_RPC_URL: servers.tryton.url.replace('http:', 'https:') }),
      says: [
        /Tryton at https/,
        /this server speaks plain HTTP, not HTTPS/,
        /Write http:\/\/ in TRYTON_RPC_URL/,
      ],
    },
    {
      tried: 'Redis: `rediss://` on a server without TLS',
      message: () => status({ REDIS_URL: (stores()['REDIS_URL'] ?? '').replace('redis:', 'rediss:') }),
      says: [
        /Redis at /,
        /cannot be used: \S/,
        /Check REDIS_URL and that this port uses TLS; without TLS write redis:\/\//,
      ],
    },
  ],
};

describe.each(Object.entries(WRONG))('wrong configuration %s', (number, attempts) => {
  it.for(attempts)('$tried: the message says where, what and what to do', async (attempt, { task }) => {
    const { tried, says } = attempt;
    const said = await attempt.message();
    const saysAll = () => says.every((part) => part.test(said()));
    // A failure shows the message.
    await waitFor(saysAll, 'the message', 60_000).catch(() => {});
    for (const part of says) expect(said()).toMatch(part);
    expect(said()).not.toMatch(/hush|pa#ss|pass word|pa'ss|right-one/);
    task.meta.wrongConfiguration = { number: Number(number), tried, message: said() };
  });
});

it('there are 19 of the review and 10 more', () => {
  expect(Object.keys(WRONG)).toHaveLength(29);
});
