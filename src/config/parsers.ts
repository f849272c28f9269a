import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { CronExpressionParser } from 'cron-parser';
import { z } from 'zod';

const UNIT_MS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** `90s`, `10m`, `1h` as milliseconds; NaN for anything else. */
export function milliseconds(text: string): number {
  const [, amount, unit] = /^(\d+)(ms|s|m|h|d)$/.exec(text) ?? [];
  return Number(amount) * UNIT_MS[unit as keyof typeof UNIT_MS];
}

export const duration = (leastMs = 0) =>
  z
    .string()
    .transform(milliseconds)
    .refine((ms) => ms >= leastMs, 'a duration such as 30s, 10m or 1h');

/** The duration of a timer. A timer of more than 2^31 ms (24.8 days) would end at once. */
export const timer = (least: string) =>
  z
    .string()
    .transform(milliseconds)
    .refine(
      (ms) => ms >= milliseconds(least) && ms <= milliseconds('24d'),
      `a duration from ${least} to 24d such as 30s, 10m or 1h`,
    );

const DURATION_OR_OFF = 'a duration of at least 1s such as 30s, 10m or 1h, or off';

export const durationOrOff = z
  .string(DURATION_OR_OFF)
  .transform((text) => (text === 'off' ? null : milliseconds(text)))
  .refine((ms) => ms === null || ms >= 1000, DURATION_OR_OFF);

const CRON = 'a cron pattern of 5 or 6 fields such as "0 3 * * *", or off';

export const cronOrOff = z.string(CRON).transform((text, issue) => {
  if (text === 'off') return null;
  if (/^\S+(\s+\S+){4,5}$/.test(text) && isCron(text)) return text;
  issue.addIssue({ code: 'custom', message: CRON + impossibleField(text) });
  return z.NEVER;
});

/** Uses the parser with which BullMQ schedules. */
function isCron(text: string): boolean {
  try {
    CronExpressionParser.parse(text, { tz: 'UTC' }).next();
    return true;
  } catch {
    return false;
  }
}

const CRON_FIELDS = ['second', 'minute', 'hour', 'day of the month', 'month', 'day of the week'];

/** Names the first field that is not valid even if all others are `*`. */
function impossibleField(text: string): string {
  const fields = text.split(/\s+/);
  const names = CRON_FIELDS.slice(-fields.length);
  if (fields.length < 5 || fields.length > 6) return '';
  const wrong = fields.findIndex(
    (field, at) => !isCron(fields.map((_, other) => (other === at ? field : '*')).join(' ')),
  );
  return wrong < 0 ? '' : `; there is no ${names[wrong]} ${fields[wrong]}`;
}

export const oneOf = <const Names extends readonly [string, ...string[]]>(names: Names) =>
  z.enum(names, { error: `one of ${names.join(', ')}` });

const wholeNumber = (least: number, most: number) => `a whole number from ${least} to ${most}`;

export const count = (least: number, most: number, expected = wholeNumber(least, most)) =>
  z.coerce.number({ error: expected }).int(expected).min(least, expected).max(most, expected);

export const countOrOff = (least: number, most: number) => {
  const expected = `${wholeNumber(least, most)}, or off`;
  const off = z.literal('off').transform(() => null);
  return z.union([off, count(least, most, expected)], { error: expected });
};

export const url = (protocols: RegExp, example: string) =>
  z.url({ protocol: protocols, error: `a URL such as ${example}` });

export const namesDatabase = (text: string) =>
  URL.canParse(text) && /^\/[^/]+\/?$/.test(new URL(text).pathname);
export const hasNoUser = (text: string) =>
  URL.canParse(text) && new URL(text).username === '' && new URL(text).password === '';

/** True if the URL has only a place: no user, password, query or fragment. A text that is not a URL fails elsewhere. */
export const isPlainAddress = (text: string) => {
  if (!URL.canParse(text)) return true;
  const { username, password, search, hash } = new URL(text);
  return username + password + search + hash === '';
};

/** Any text, or a key in the form of Standard Webhooks. */
export const isSigningSecret = (text: string) =>
  !text.startsWith('whsec_') ||
  /^whsec_(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(text);

const MODEL_NAME = 'an Odoo model name such as dimagaz.bc';

export const modelName = z.string(MODEL_NAME).regex(/^[a-z_][a-z0-9_.]*$/, MODEL_NAME);

export const context = z.string().transform((text, issue) => {
  try {
    return z.record(z.string(), z.json()).parse(JSON.parse(text));
  } catch {
    issue.addIssue({ code: 'custom', message: 'a JSON object such as {"lang":"fr_FR"}' });
    return z.NEVER;
  }
});

/** True for `bin_size` and `bin_size_<field>`: Odoo would send sizes, and the mirror would store them as contents. */
export const asksForSizes = (given: object) =>
  Object.keys(given).some((name) => name === 'bin_size' || name.startsWith('bin_size_'));

export const trueOrFalse = z
  .enum(['true', 'false'], { error: 'true or false' })
  .transform((text) => text === 'true');

export const onOrOff = z.enum(['on', 'off'], { error: 'on or off' }).transform((text) => text === 'on');

/** `a@b.example, c@d.example`. */
export const addresses = z
  .string()
  .transform((text) => text.split(',').map((address) => address.trim()))
  .refine(
    (list) => list.every((address) => /^[^\s@<>,]+@[^\s@<>,]+$/.test(address)),
    'a list of addresses such as ops@example.com, separated by commas',
  );

const NETWORKS = ['loopback', 'linklocal', 'uniquelocal'];

/** An address, a network such as `10.0.0.0/8`, or the name of a network. */
function isNetwork(text: string): boolean {
  const [address = '', bits, ...rest] = text.split('/');
  const most = isIP(address) === 6 ? 128 : 32;
  const isPrefix = bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= most);
  return NETWORKS.includes(text) || (isIP(address) !== 0 && isPrefix && rest.length === 0);
}

/** The trusted proxies: their number, or their networks; false: none. A trusted proxy can claim any client address. */
export const proxiesOrOff = z
  .string()
  .transform((text): false | number | string[] => {
    if (text === 'off') return false;
    return /^[1-9]$/.test(text) ? Number(text) : text.split(',').map((network) => network.trim());
  })
  .refine(
    (given) => !Array.isArray(given) || given.every(isNetwork),
    'a number of proxies from 1 to 9, or a list of addresses and networks such as 10.1.2.3 or 10.1.2.0/24, ' +
      'separated by commas, or off',
  );

/** The content of the named file; a missing file is reported at the start. */
export const fileText = z.string().transform((path, issue) => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    issue.addIssue({ code: 'custom', message: 'a file that this process can read' });
    return z.NEVER;
  }
});

/** `sentinel-1:26379,[::1]:26380`; the default port is `usualPort`. */
export const hosts = (usualPort: number) =>
  z.string().transform((text, issue) => {
    const list = text
      .split(',')
      .map((place) => /^\s*(?:\[([\da-f:.]+)\]|([^\s:@/,[\]]+))(?::(\d{1,5}))?\s*$/i.exec(place));
    if (list.every((found) => found !== null)) {
      return list.map(([, ipv6, name = '', port]) => ({
        host: ipv6 ?? name,
        port: Number(port ?? usualPort),
      }));
    }
    issue.addIssue({ code: 'custom', message: `a list of hosts such as one:${usualPort},two:${usualPort}` });
    return z.NEVER;
  });
