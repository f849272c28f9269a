// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the YAML of these tests has references to variables.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import {
  ConfigError,
  effectiveVariables,
  type MirrorSettings,
  matchesAny,
  readApiConfig,
  readConfig,
  readMirrorConfig,
} from '../../src/config/index.ts';

const STORES = { DATABASE_URL: 'postgres://localhost/x', REDIS_URL: 'redis://localhost' };
const ODOO = { ODOO_URL: 'http://o', ODOO_DB: 'd', ODOO_USER: 'u', ODOO_PASSWORD: 'p' };
const KEY = { FIELD_HASH_KEY: 'k'.repeat(32) };
const EXAMPLE = resolve(import.meta.dirname, '../../mirrors.example.yaml');

const folder = mkdtempSync(join(tmpdir(), 'mirrors-'));
afterAll(() => rmSync(folder, { recursive: true }));

type Variables = Readonly<Record<string, string>>;

/** The variables with a file of these lines. */
function withFile(lines: string, env: Variables = {}): Variables {
  const path = join(folder, 'mirrors.yaml');
  writeFileSync(path, lines);
  return { ...STORES, MIRRORS_FILE: path, ...env };
}

const mirrorsOf = (lines: string, env: Variables = {}) => readConfig(withFile(lines, env)).mirrors;

/** The file has the line `mirrors:`, then these. */
const one = (lines: string, env: Variables = {}) => mirrorsOf(`mirrors:\n  one:\n${lines}\n`, env)[0];

/** The problems, with `mirrors.yaml` for the path of the file. */
function problemsOf(env: Variables): string[] {
  try {
    readConfig(env);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems.map((text) => text.replace(`${folder}/`, ''));
    throw error;
  }
  return [];
}

const BC: MirrorSettings = {
  name: 'bc',
  model: 'dimagaz.bc',
  lineModel: 'dimagaz.bc.line',
  linesField: undefined,
  everyMs: 60_000,
  fullCron: '0 3 * * *',
  sweepEveryMs: 900_000,
  domain: [],
  context: {},
  fields: { include: null, exclude: [], drop: [], hash: [], mask: [] },
  binaries: true,
  pageSize: 500,
};

describe('without MIRRORS_FILE', () => {
  it('the only mirror is bc, with and without an Odoo', () => {
    expect(readConfig(STORES).mirrors).toEqual([BC]);
    for (const read of [readConfig, readApiConfig, readMirrorConfig])
      expect(read({ ...STORES, ...ODOO }).mirrors).toEqual([BC]);
  });

  it('bc has the settings of the variables', () => {
    const env = {
      ODOO_MODEL: 'purchase.order',
      ODOO_LINE_MODEL: 'purchase.order.line',
      ODOO_LINES_FIELD: 'order_line',
      ODOO_CONTEXT: '{"lang":"fr_FR"}',
      SYNC_EVERY: 'off',
      FULL_SYNC_CRON: 'off',
      SWEEP_EVERY: '1h',
      SYNC_BINARIES: 'off',
      SYNC_PAGE_SIZE: '50',
    };
    expect(readConfig({ ...STORES, ...env }).mirrors).toEqual([
      {
        ...BC,
        model: 'purchase.order',
        lineModel: 'purchase.order.line',
        linesField: 'order_line',
        everyMs: null,
        fullCron: null,
        sweepEveryMs: 3_600_000,
        context: { lang: 'fr_FR' },
        binaries: false,
        pageSize: 50,
      },
    ]);
  });
});

describe('the mirrors of a file', () => {
  it('mirrors.example.yaml defines three', () => {
    expect(readConfig({ ...STORES, ...KEY, MIRRORS_FILE: EXAMPLE }).mirrors).toEqual([
      BC,
      {
        ...BC,
        name: 'partners',
        model: 'res.partner',
        lineModel: null,
        everyMs: 900_000,
        domain: [['supplier_rank', '>', 0]],
        fields: {
          include: null,
          exclude: ['image_*', 'message_*', 'activity_*'],
          drop: ['comment'],
          hash: ['email', 'phone', 'mobile'],
          mask: [],
        },
      },
      {
        ...BC,
        name: 'products',
        model: 'product.product',
        lineModel: null,
        everyMs: 3_600_000,
        sweepEveryMs: 21_600_000,
        fullCron: null,
      },
    ]);
  });

  it('is the same for API and worker', () => {
    const env = { ...STORES, ...ODOO, ...KEY, MIRRORS_FILE: EXAMPLE };
    const { mirrors } = readConfig(env);
    expect(readApiConfig(env).mirrors).toEqual(mirrors);
    expect(readMirrorConfig(env).mirrors).toEqual(mirrors);
  });

  it('take the values of the variables for missing keys, but no lines, also for bc', () => {
    const env = {
      SYNC_EVERY: '5s',
      FULL_SYNC_CRON: 'off',
      SWEEP_EVERY: 'off',
      SYNC_BINARIES: 'off',
      SYNC_PAGE_SIZE: '7',
      ODOO_CONTEXT: '{"lang":"fr_FR","tz":"UTC"}',
    };
    expect(mirrorsOf('mirrors: { bc: { model: dimagaz.bc, context: { lang: en_US } } }', env)).toEqual([
      {
        ...BC,
        lineModel: null,
        everyMs: 5000,
        fullCron: null,
        sweepEveryMs: null,
        context: { lang: 'en_US', tz: 'UTC' },
        binaries: false,
        pageSize: 7,
      },
    ]);
  });

  it('have every key, and win over the variables', () => {
    const lines = `
    model: sale.order
    lines: sale.order.line
    lines_field: order_line
    every: off
    sweep: 1s
    full: 0 4 * * *
    domain: ["|", "!", [state, "=", draft], [company_id, in, [1, 2]], [active, "=", true]]
    context: { allowed_company_ids: [1, 2] }
    fields: { include: [name, "*_id"], exclude: [x_id], drop: [a], hash: [b], mask: [c] }
    binaries: on
    page_size: 50`;
    expect(one(lines, { ...KEY, SYNC_BINARIES: 'off', SYNC_EVERY: '5s' })).toEqual({
      name: 'one',
      model: 'sale.order',
      lineModel: 'sale.order.line',
      linesField: 'order_line',
      everyMs: null,
      sweepEveryMs: 1000,
      fullCron: '0 4 * * *',
      domain: ['|', '!', ['state', '=', 'draft'], ['company_id', 'in', [1, 2]], ['active', '=', true]],
      context: { allowed_company_ids: [1, 2] },
      fields: { include: ['name', '*_id'], exclude: ['x_id'], drop: ['a'], hash: ['b'], mask: ['c'] },
      binaries: true,
      pageSize: 50,
    });
  });

  it.each([
    ['true', true],
    ['false', false],
    ['on', true],
    ['off', false],
  ])('binaries: %s', (text, binaries) => {
    expect(one(`    model: a.b\n    binaries: ${text}`)?.binaries).toBe(binaries);
  });

  it('may share values with an alias', () => {
    const lines =
      'mirrors:\n  a: { model: a.a, fields: &own { drop: [x] } }\n  b: { model: a.b, fields: *own }\n';
    expect(mirrorsOf(lines).map(({ fields }) => fields.drop)).toEqual([['x'], ['x']]);
  });
});

describe('a variable in a text of the file', () => {
  it('is replaced in every value', () => {
    const env = { MODEL: 'res.partner', SIZE: '12', REGION: 'north', PACE: '2m' };
    const lines =
      '    model: ${MODEL}\n    page_size: ${SIZE}\n    every: ${PACE}\n' +
      '    domain:\n      - [ref, "=", "${REGION}-${SIZE}"]\n    context: { note: "$${SIZE} $1 }{" }';
    expect(one(lines, env)).toMatchObject({
      model: 'res.partner',
      pageSize: 12,
      everyMs: 120_000,
      domain: [['ref', '=', 'north-12']],
      context: { note: '${SIZE} $1 }{' },
    });
  });

  it('is not replaced again in its value', () => {
    expect(one('    model: a.b\n    context: { note: "${A}" }', { A: '${B}' })?.context).toEqual({
      note: '${B}',
    });
  });

  it('never shows its value in a message', () => {
    const lines = 'mirrors:\n  one: { model: "${SECRET}", fields: "${SECRET}", domain: [["${SECRET}"]] }\n';
    const problems = problemsOf(withFile(lines, { SECRET: 'Hush' }));
    expect(problems).toHaveLength(3);
    expect(problems.join()).not.toContain('Hush');
    expect(problems.join()).toContain('got "${SECRET}"');
  });
});

const DURATION = 'expected a duration of at least 1s such as 30s, 10m or 1h, or off';
const MODEL = 'an Odoo model name such as dimagaz.bc';
const MIRRORS = 'at least one mirror, such as partners: { model: res.partner }';
const DOMAIN = 'expected a list of conditions such as [["supplier_rank", ">", 0]]';
const MEMBER = 'expected a condition ["field", "operator", value], or one of "&", "|", "!" in quotes';
const PATTERN = 'expected a field name, or a pattern such as image_*';
const MIRROR_KEYS =
  'model, lines, lines_field, every, sweep, full, domain, context, fields, binaries, page_size';
const QUOTES = 'Put a text with special characters in quotes';
const HASH_MEANING =
  'key of the HMAC-SHA-256 that replaces fields with the policy hash; with another key, equal values no longer match';

/** The title, the text of the file, and its problems: the line, and the text after it. */
const WRONG: readonly (readonly [string, string, ...(readonly [number, string])[]])[] = [
  ['an empty file', '', [1, 'expected a map with the key mirrors; got nothing']],
  ['a list', '- a\n', [1, 'expected a map with the key mirrors; got ["a"]']],
  ['no mirrors', '\nmirrors:\n', [2, `mirrors: expected ${MIRRORS}; got nothing`]],
  ['an empty map of mirrors', 'mirrors: {}\n', [1, `mirrors: expected ${MIRRORS}; got {}`]],
  [
    'another key in place of mirrors',
    '# Mirrors\nmirror: {}\n',
    [1, `mirrors is required: ${MIRRORS}`],
    [2, 'mirror: unknown key. Did you mean mirrors?'],
  ],
  [
    'a mirror without settings',
    'mirrors:\n  one:\n',
    [2, 'mirrors.one: expected a map with the key model; got nothing'],
  ],
  [
    'a mirror without a model',
    'mirrors:\n  one:\n    every: 1m\n',
    [2, `mirrors.one.model is required: ${MODEL}`],
  ],
  [
    'unknown keys',
    'mirrors:\n  one:\n    model: a.b\n    evry: 1m\n    retries: 2\n    fields:\n      hsh: [a]\n      encrypt: [b]\n',
    [4, 'mirrors.one.evry: unknown key. Did you mean every?'],
    [5, `mirrors.one.retries: unknown key. The keys are ${MIRROR_KEYS}.`],
    [7, 'mirrors.one.fields.hsh: unknown key. Did you mean hash?'],
    [8, 'mirrors.one.fields.encrypt: unknown key. The keys are include, exclude, drop, hash, mask.'],
  ],
  [
    'wrong durations',
    'mirrors:\n  one:\n    model: a.b\n    every: 15 minutes\n    sweep: 900ms\n  two:\n    model: a.c\n    every: 900\n    sweep:\n',
    [4, `mirrors.one.every: ${DURATION}; got "15 minutes"`],
    [5, `mirrors.one.sweep: ${DURATION}; got "900ms"`],
    [8, `mirrors.two.every: ${DURATION}; got 900`],
    [9, `mirrors.two.sweep: ${DURATION}; got nothing`],
  ],
  [
    'wrong types',
    'mirrors:\n  one:\n    model: [a.b]\n    lines: A\n    lines_field: 5\n    full: false\n    context: fr_FR\n    binaries: some\n    page_size: 0\n    fields: email\n',
    [3, `mirrors.one.model: expected ${MODEL}; got ["a.b"]`],
    [4, `mirrors.one.lines: expected ${MODEL}; got "A"`],
    [5, 'mirrors.one.lines_field: expected the name of a one2many field; got 5'],
    [6, 'mirrors.one.full: expected a cron pattern of 5 or 6 fields such as "0 3 * * *", or off; got false'],
    [7, 'mirrors.one.context: expected a map such as { lang: fr_FR }; got "fr_FR"'],
    [8, 'mirrors.one.binaries: expected on or off; got "some"'],
    [9, 'mirrors.one.page_size: expected a whole number from 1 to 5000; got 0'],
    [10, 'mirrors.one.fields: expected a map with keys such as exclude and hash; got "email"'],
  ],
  [
    'an impossible cron pattern, and a page size that is no number',
    'mirrors:\n  one:\n    model: a.b\n    full: 0 25 * * *\n    page_size: many\n',
    [
      4,
      'mirrors.one.full: expected a cron pattern of 5 or 6 fields such as "0 3 * * *", or off; there is no hour 25; got "0 25 * * *"',
    ],
    [5, 'mirrors.one.page_size: expected a whole number from 1 to 5000; got "many"'],
  ],
  [
    'wrong patterns',
    'mirrors:\n  one:\n    model: a.b\n    fields:\n      include: []\n      exclude: image_*\n      drop:\n        - a\n        - b-c\n      mask: [1]\n',
    [5, 'mirrors.one.fields.include: expected a pattern; without include, all fields are mirrored; got []'],
    [
      6,
      'mirrors.one.fields.exclude: expected a list of field names and patterns such as [email, image_*]; got "image_*"',
    ],
    [9, `mirrors.one.fields.drop[1]: ${PATTERN}; got "b-c"`],
    [10, `mirrors.one.fields.mask[0]: ${PATTERN}; got 1`],
  ],
  [
    'a pattern with two policies',
    'mirrors:\n  one:\n    model: a.b\n    fields:\n      mask: [a, b, b]\n      drop: [a]\n      exclude: [b]\n',
    [5, 'mirrors.one.fields.mask[0]: "a" is in drop too. Give each field one of drop, hash and mask'],
  ],
  [
    'hash without FIELD_HASH_KEY',
    'mirrors:\n  one:\n    model: a.b\n    fields:\n      hash: [a]\n',
    [5, `mirrors.one.fields.hash: FIELD_HASH_KEY is required with hash: ${HASH_MEANING}`],
  ],
  [
    'lines_field without lines',
    'mirrors:\n  one:\n    model: a.b\n    lines_field: order_line\n',
    [4, 'mirrors.one.lines_field: expected lines with lines_field. Add the model of the lines'],
  ],
  [
    'bin_size in a context',
    'mirrors:\n  one:\n    model: a.b\n    context:\n      bin_size: true\n',
    [
      4,
      'mirrors.one.context: expected a map without bin_size, because the mirror would then store sizes instead of contents; got {"bin_size":true}',
    ],
  ],
  [
    'a value that is no JSON',
    'mirrors:\n  one:\n    model: a.b\n    context: { rate: .nan }\n',
    [4, 'mirrors.one.context.rate: expected a value that JSON can express; got NaN'],
  ],
  [
    'names that are no identifiers, beside other problems',
    'mirrors:\n  One:\n    model: a.b\n    every: x\n  2: { model: a.c }\n',
    [
      2,
      'mirrors.One: expected a name of at most 31 small letters, digits and _ that begins with a letter; got "One"',
    ],
    [4, `mirrors.One.every: ${DURATION}; got "x"`],
    [
      5,
      'mirrors.2: expected a name of at most 31 small letters, digits and _ that begins with a letter; got "2"',
    ],
  ],
  [
    'two mirrors of one model',
    'mirrors:\n  one:\n    model: a.b\n    lines: a.c\n  two: { model: a.b }\n  three:\n    model: a.d\n    lines: a.c\n  four: { model: a.c }\n  five: { model: a.e, lines: a.e }\n',
    [5, 'mirrors.two.model: expected a model of no other mirror; a.b is mirrors.one.model on line 3 too'],
    [8, 'mirrors.three.lines: expected a model of no other mirror; a.c is mirrors.one.lines on line 4 too'],
    [9, 'mirrors.four.model: expected a model of no other mirror; a.c is mirrors.one.lines on line 4 too'],
    [10, 'mirrors.five.lines: expected a model of no other mirror; a.e is mirrors.five.model on line 10 too'],
  ],
  [
    'two mirrors of one model without lines, one of which has another problem',
    'mirrors:\n  one: { model: a.b }\n  two: { model: a.b, every: x }\n',
    [3, `mirrors.two.every: ${DURATION}; got "x"`],
    [3, 'mirrors.two.model: expected a model of no other mirror; a.b is mirrors.one.model on line 2 too'],
  ],
  [
    'two mirrors with one table',
    'mirrors:\n  one: { model: a.b }\n  two: { model: a_b }\n  three: { model: a.b.line }\n',
    [
      3,
      'mirrors.two.model: expected a model with tables of its own; scrap_a_b is a table of mirrors.one.model on line 2 too',
    ],
    [
      4,
      'mirrors.three.model: expected a model with tables of its own; scrap_a_b_line is a table of mirrors.one.model on line 2 too',
    ],
  ],
  [
    'the tables of bc for another mirror',
    'mirrors:\n  bc: { model: sale.order }\n  two: { model: dimagaz.bc }\n',
    [
      3,
      'mirrors.two.model: expected a model with tables of its own; scrap_dimagaz_bc is a table of mirrors.bc.model on line 2 too',
    ],
  ],
  [
    'the audit trail of another mirror',
    'mirrors:\n  one: { model: a.b }\n  two: { model: a.b.audit }\n',
    [
      3,
      'mirrors.two.model: expected a model with tables of its own; scrap_a_b_audit is a table of mirrors.one.model on line 2 too',
    ],
  ],
  [
    'a domain that is no list',
    'mirrors:\n  one:\n    model: a.b\n    domain: all\n',
    [4, `mirrors.one.domain: ${DOMAIN}; got "all"`],
  ],
  [
    'one condition without its list',
    'mirrors:\n  one:\n    model: a.b\n    domain: [rank, ">", 0]\n',
    [4, `mirrors.one.domain: ${DOMAIN}, in two pairs of brackets; got ["rank",">",0]`],
  ],
  [
    'members of a domain that are no conditions',
    'mirrors:\n  one:\n    model: a.b\n    domain:\n      - [rank, ">"]\n      - [a, "=", 1]\n      - AND\n      - [1, "=", 1]\n',
    [5, `mirrors.one.domain[0]: ${MEMBER}; got ["rank",">"]`],
    [7, `mirrors.one.domain[2]: ${MEMBER}; got "AND"`],
    [8, `mirrors.one.domain[3]: ${MEMBER}; got [1,"=",1]`],
  ],
  [
    'operators of a domain with too few conditions',
    'mirrors:\n  one:\n    model: a.b\n    domain:\n      - "|"\n      - [a, "=", 1]\n      - "!"\n  two:\n    model: a.c\n    domain: ["&", "|", [a, "=", 1], [b, "=", 1]]\n',
    [7, 'mirrors.one.domain[2]: expected a condition after "!"; got "!"'],
    [10, 'mirrors.two.domain[0]: expected two conditions after "&"; got "&"'],
  ],
  [
    'variables that are not set',
    'mirrors:\n  one:\n    model: a.b\n    every: ${NOT_SET}\n    context: { note: "${", other: "${a-b}" }\n',
    [4, 'mirrors.one.every: the variable NOT_SET is not set. To write the text ${, write $${'],
    [
      5,
      'mirrors.one.context.note: expected the name of a variable, such as ${NAME}. To write the text ${, write $${',
    ],
    [
      5,
      'mirrors.one.context.other: expected the name of a variable, such as ${NAME}. To write the text ${, write $${',
    ],
  ],
  [
    'a reference without quotes in a map in braces',
    'mirrors:\n  one: { model: ${MODEL} }\n  two:\n    model: a.b\n',
    [2, `no valid YAML (Unexpected flow-map-start at node end). ${QUOTES}`],
  ],
  [
    'two errors of syntax',
    'mirrors:\n  one: { model: a: b }\n  two:\n\tmodel: a.b\n',
    [2, `no valid YAML (Block collections are not allowed within flow collections). ${QUOTES}`],
    [4, 'a tab indents this line. Use blanks'],
  ],
  [
    'one name twice',
    'mirrors:\n  one: { model: a.b }\n  one: { model: a.c }\n',
    [3, 'this key is a duplicate. Remove one of them'],
  ],
  [
    'two documents',
    'mirrors: { one: { model: a.b } }\n---\nmirrors: {}\n',
    [2, 'a second document begins here. Remove the line ---'],
  ],
  ['a tag', 'mirrors: !env X\n', [1, `no valid YAML (Unresolved tag: !env). ${QUOTES}`]],
  [
    'an alias without an anchor',
    'mirrors:\n  one:\n    model: a.b\n    fields: { drop: [*all] }\n',
    [
      4,
      'mirrors.one.fields.drop[0]: there is no anchor &all above this alias. Put a text that begins with * in quotes',
    ],
  ],
  [
    'an alias inside of its anchor',
    'mirrors: &own\n  one: *own\n',
    [2, 'the file uses more than 100 aliases. Repeat the values instead'],
  ],
];

describe('a wrong file is refused', () => {
  const cases = WRONG.map(([title, lines, ...problems]) => ({ title, lines, problems }));
  it.each(cases)('$title', ({ lines, problems }) => {
    expect(problemsOf(withFile(lines))).toEqual(
      problems.map(([line, text]) => `mirrors.yaml line ${line}: ${text}`),
    );
  });

  it('together with the problems of the variables, in one error', () => {
    const env = withFile('mirrors:\n  one: {}\n', {
      PORT: 'x',
      ODOO_MODEL: 'dimagaz.bc',
      ODOO_LINE_MODEL: 'dimagaz.bc.line',
      ODOO_LINES_FIELD: 'line_ids',
      FIELD_HASH_KEY: 'too short',
    });
    const excluded = (name: string, value: string) =>
      `${name}: expected no value with MIRRORS_FILE, set the models in the file; got "${value}" from the environment`;
    expect(problemsOf(env)).toEqual([
      'FIELD_HASH_KEY: expected a secret of at least 32 characters; got a value of 9 characters from the environment',
      'PORT: expected a whole number from 0 to 65535; got "x" from the environment',
      excluded('ODOO_MODEL', 'dimagaz.bc'),
      excluded('ODOO_LINE_MODEL', 'dimagaz.bc.line'),
      excluded('ODOO_LINES_FIELD', 'line_ids'),
      `mirrors.yaml line 2: mirrors.one.model is required: ${MODEL}`,
    ]);
  });

  it('if it cannot be read', () => {
    expect(problemsOf({ ...STORES, MIRRORS_FILE: 'nowhere/mirrors.yaml' })).toEqual([
      'MIRRORS_FILE: expected a file that this process can read (ENOENT); got "nowhere/mirrors.yaml" from the environment',
    ]);
    expect(problemsOf({ ...STORES, MIRRORS_FILE: folder })[0]).toContain('(EISDIR)');
  });
});

it('FIELD_HASH_KEY is read, and not shown', () => {
  expect(readConfig(STORES).fieldHashKey).toBeNull();
  expect(readConfig({ ...STORES, ...KEY }).fieldHashKey).toBe(KEY.FIELD_HASH_KEY);
  const shown = effectiveVariables(KEY).find(({ name }) => name === 'FIELD_HASH_KEY');
  expect(shown?.value).toBe('***');
});

it.each([
  [['email'], 'email', true],
  [['email'], 'email_from', false],
  [['image_*'], 'image_1920', true],
  [['image_*'], 'ximage_1', false],
  [['*_id'], 'partner_id', true],
  [['*'], 'x', true],
  [['a*c*e'], 'abcde', true],
  [['a*c*e'], 'abcd', false],
  [['a.c'], 'abc', false],
  [['x', 'y*'], 'yes', true],
  [[], 'x', false],
])('%j matches %s: %s', (patterns, name, matches) => {
  expect(matchesAny(patterns, name)).toBe(matches);
});

it('mirrors.example.yaml names the schema for editors', () => {
  expect(readFileSync(EXAMPLE, 'utf8')).toMatch(
    /^# yaml-language-server: \$schema=\.\/mirrors\.schema\.json\n/,
  );
});
