import type { z } from 'zod';
import { HOST_ALONE, isAddress, quoted } from './masking.ts';
import { variables } from './schema.ts';
import { type Given, placeOf } from './source.ts';

/** A variable that is required: why, and its meaning. */
function missing(name: keyof typeof variables, why: string): string {
  return `${name} is required ${why}: ${variables[name].description}`;
}

type Names = readonly (keyof typeof variables)[];

const unset = ({ values }: Given, names: Names) => names.filter((name) => values[name] === undefined);

export function missingOdoo(given: Given): string[] {
  const names: Names = ['ODOO_URL', 'ODOO_DB', 'ODOO_USER', 'ODOO_PASSWORD'];
  return unset(given, names).map((name) => missing(name, 'to read Odoo'));
}

export function missingTryton(given: Given): string[] {
  const names: Names = ['TRYTON_RPC_URL', 'TRYTON_USER', 'TRYTON_PASSWORD'];
  return unset(given, names).map((name) => missing(name, 'to call Tryton'));
}

/** The missing variables of Odoo and Tryton, if their URL is set. */
export function missingOfAny(given: Given): string[] {
  return [
    ...(given.values['ODOO_URL'] === undefined ? [] : missingOdoo(given)),
    ...(given.values['TRYTON_RPC_URL'] === undefined ? [] : missingTryton(given)),
    ...missingHalves(given),
  ];
}

/** In production the operator chooses the password of the admin pages. */
export function missingPassword(given: Given): string[] {
  return given.values['NODE_ENV'] === 'production' && given.values['ADMIN_PASSWORD'] === undefined
    ? [missing('ADMIN_PASSWORD', 'with NODE_ENV=production')]
    : [];
}

/** Variables that must be set together. */
const TOGETHER = [
  ['ALERT_WEBHOOK_URL', 'ALERT_WEBHOOK_SECRET'],
  ['SMTP_URL', 'ALERT_EMAIL_TO'],
  ['REDIS_TLS_CERT_FILE', 'REDIS_TLS_KEY_FILE'],
] as const;

/** Settings without their other half, and settings that exclude each other. */
export function missingHalves(given: Given): string[] {
  const isSet = (name: string) => given.values[name] !== undefined;
  return [
    ...redisContradictions(given),
    ...TOGETHER.flatMap(([one, other]) => [
      ...(isSet(one) && !isSet(other) ? [missing(other, `with ${one}`)] : []),
      ...(isSet(other) && !isSet(one) ? [missing(one, `with ${other}`)] : []),
    ]),
  ];
}

function redisContradictions({ values }: Given): string[] {
  const plain = values['REDIS_URL']?.startsWith('redis:') === true;
  const file = (['REDIS_TLS_CA_FILE', 'REDIS_TLS_CERT_FILE'] as const).find(
    (name) => values[name] !== undefined,
  );
  return [
    ...(values['REDIS_CLUSTER'] === 'on' && values['REDIS_SENTINELS'] !== undefined
      ? ['REDIS_CLUSTER: expected off with REDIS_SENTINELS, a cluster has none']
      : []),
    ...(plain && file !== undefined
      ? [`REDIS_URL: expected a URL that begins with rediss:// with ${file}`]
      : []),
  ];
}

/** A value that the schema refuses: the variable, the expected value, the given value and its origin. */
export function problem(issue: z.core.$ZodIssue, given: Given): string {
  const name = String(issue.path[0]);
  const expected = expectedBy(issue);
  const value = given.values[name];
  // An unset variable may have a default that does not fit the value of another variable.
  if (value === undefined)
    return issue.code === 'custom' ? `${name}: ${expected}` : `${name} is required: ${expected}`;
  const got = `got ${quoted(name, value)} from ${placeOf(given.originOf(name))}`;
  return `${name}: ${expected}; ${got}${adviceOn(name, value, issue)}`;
}

const expectedBy = ({ message }: z.core.$ZodIssue): string =>
  /^(an?|one of) /.test(message) ? `expected ${message}` : message;

/** The problem of a value that a person typed for a variable; null if it can be used. */
export function settingProblem(name: keyof typeof variables, value: string): string | null {
  const [issue] = variables[name].safeParse(value).error?.issues ?? [];
  return issue === undefined ? null : `${expectedBy(issue)}${adviceOn(name, value, issue)}`;
}

/** The same host with the scheme of the example in the message. */
function adviceOn(name: string, value: string, { message }: z.core.$ZodIssue): string {
  const [, scheme] = /such as (\w+:\/\/)/.exec(message) ?? [];
  return isAddress(name) && scheme !== undefined && HOST_ALONE.test(value)
    ? `. It has no scheme: write ${scheme}${value}`
    : '';
}
