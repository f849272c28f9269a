import { z } from 'zod';
import type { Domain, OdooValue } from '../odoo/types.ts';
import { asksForSizes, cronOrOff, durationOrOff, modelName } from './parsers.ts';
import type { Environment } from './schema.ts';

/** The settings of one mirror, with the values of the variables for the keys that the file does not have. */
export interface MirrorSettings {
  readonly name: string;
  readonly model: string;
  /** Null: the mirror has no lines. */
  readonly lineModel: string | null;
  readonly linesField: string | undefined;
  /** Null: off. */
  readonly everyMs: number | null;
  /** Null: off. */
  readonly fullCron: string | null;
  /** Null: off. */
  readonly sweepEveryMs: number | null;
  readonly domain: Domain;
  /** `ODOO_CONTEXT`, then the keys of the mirror. */
  readonly context: Readonly<Record<string, OdooValue>>;
  readonly fields: FieldPolicy;
  readonly binaries: boolean;
  readonly pageSize: number;
}

/** Patterns of field names, for `matchesAny`. */
interface FieldPolicy {
  /** Null: all fields. */
  readonly include: readonly string[] | null;
  readonly exclude: readonly string[];
  readonly drop: readonly string[];
  readonly hash: readonly string[];
  readonly mask: readonly string[];
}

export const MIRROR_NAME = /^[a-z][a-z0-9_]{0,30}$/;
const MOST_ROWS = 5000;
const PAGE_SIZE = `a whole number from 1 to ${MOST_ROWS}`;
const ON_OR_OFF = 'on or off';
const CONTEXT = 'a map such as { lang: fr_FR }';
const DOMAIN = 'a list of conditions such as [["supplier_rank", ">", 0]]';
const OPERATORS = ['&', '|', '!'] as const;
const MEMBER = 'a condition ["field", "operator", value], or one of "&", "|", "!" in quotes';
const PATTERN = 'a field name, or a pattern such as image_*';
const PATTERNS = 'a list of field names and patterns such as [email, image_*]';

/** A reference to a variable is accepted by editors in place of any text. */
const orVariable = (pattern: string) => ({ pattern: `^(?:${pattern})$|\\$\\{` });

const pace = durationOrOff.meta(orVariable('\\d+(?:ms|s|m|h|d)|off'));

const pageSize = z.int(PAGE_SIZE).min(1, PAGE_SIZE).max(MOST_ROWS, PAGE_SIZE);
const pageSizeText = z
  .string()
  .regex(/^\d+$/, PAGE_SIZE)
  .meta(orVariable('\\d+'))
  .transform(Number)
  .pipe(pageSize);

const json = z.json();
const operator = z.enum(OPERATORS);
const condition = z.tuple([z.string().min(1), z.string().min(1), json]);
const member = z.union([operator, condition]);

const domain = z
  .array(json, DOMAIN)
  .transform((given, issue): Domain => {
    const problems = domainProblems(given);
    for (const { index, message } of problems)
      issue.addIssue({ code: 'custom', message, path: index === null ? [] : [index] });
    return problems.length > 0 ? z.NEVER : z.array(member).parse(given);
  })
  // Without the check of the arity, which JSON Schema cannot express.
  .meta({ items: { anyOf: [{ enum: [...OPERATORS] }, { type: 'array', minItems: 3, maxItems: 3 }] } });

interface DomainProblem {
  /** Null: the domain itself. */
  readonly index: number | null;
  readonly message: string;
}

function domainProblems(given: readonly unknown[]): DomainProblem[] {
  // One condition without its list is the usual mistake. It gets one problem instead of three.
  if (condition.safeParse(given).success && !operator.safeParse(given[0]).success)
    return [{ index: null, message: `${DOMAIN}, in two pairs of brackets` }];
  const wrong = given.flatMap((one, index) =>
    member.safeParse(one).success ? [] : [{ index, message: MEMBER }],
  );
  return wrong.length > 0 ? wrong : arityProblems(given);
}

/** Odoo joins the conditions that remain with "&", so only an operator with too few operands is wrong. */
function arityProblems(given: readonly unknown[]): DomainProblem[] {
  const problems: DomainProblem[] = [];
  let operands = 0;
  for (const [index, one] of [...given.entries()].reverse()) {
    const { data: found } = operator.safeParse(one);
    const needed = found === undefined ? 0 : found === '!' ? 1 : 2;
    if (operands < needed) {
      const message = `${needed === 1 ? 'a condition' : 'two conditions'} after ${JSON.stringify(found)}`;
      problems.unshift({ index, message });
    }
    operands = Math.max(0, operands - needed) + 1;
  }
  return problems;
}

const patterns = z.array(
  z
    .string(PATTERN)
    .regex(/^[A-Za-z_*][\w*]*$/, PATTERN)
    .meta(orVariable('[A-Za-z_*][\\w*]*')),
  PATTERNS,
);

const fields = z.strictObject(
  {
    include: patterns
      .min(1, 'a pattern; without include, all fields are mirrored')
      .optional()
      .describe('the only fields that are mirrored; if unset, all'),
    exclude: patterns.optional().describe('fields that are not mirrored'),
    drop: patterns.optional().describe('fields that are never read from Odoo'),
    hash: patterns
      .optional()
      .describe('fields stored as their HMAC-SHA-256; needs FIELD_HASH_KEY. Equal values stay equal'),
    mask: patterns.optional().describe('fields of which only the first letter is stored, the rest as stars'),
  },
  'a map with keys such as exclude and hash',
);

const mirror = z.strictObject(
  {
    model: modelName.meta(orVariable('[a-z_][a-z0-9_.]*')).describe('Odoo model of the documents'),
    lines: modelName
      .meta(orVariable('[a-z_][a-z0-9_.]*'))
      .optional()
      .describe('Odoo model of the lines; if unset, the mirror has no lines'),
    lines_field: z
      .string('the name of a one2many field')
      .optional()
      .describe('the one2many field of the model that holds the lines; needed only if several fields fit'),
    every: pace.optional().describe('pause between incremental runs, or off; if unset, SYNC_EVERY'),
    sweep: pace.optional().describe('pause between sweeps, or off; if unset, SWEEP_EVERY'),
    full: cronOrOff
      .optional()
      .describe('cron pattern of the full runs in UTC, or off; if unset, FULL_SYNC_CRON'),
    domain: domain
      .optional()
      .describe('Odoo domain in prefix notation; only its records are mirrored. If unset, all'),
    context: z
      .record(z.string(), json, CONTEXT)
      .refine(
        (given) => !asksForSizes(given),
        'a map without bin_size, because the mirror would then store sizes instead of contents',
      )
      .optional()
      .describe('context of the calls for this mirror, merged into ODOO_CONTEXT'),
    fields: fields.optional().describe('fields that are mirrored, and the policy for personal data'),
    binaries: z
      .union([z.boolean(), z.enum(['on', 'off']).transform((text) => text === 'on')], ON_OR_OFF)
      .optional()
      .describe('whether the contents of binary fields are mirrored: on or off; if unset, SYNC_BINARIES'),
    page_size: z
      .union([pageSize, pageSizeText], PAGE_SIZE)
      .optional()
      .describe('documents per page job; if unset, SYNC_PAGE_SIZE'),
  },
  'a map with the key model',
);

const MIRRORS = 'at least one mirror, such as partners: { model: res.partner }';

/** The content of `MIRRORS_FILE`. `mirrors.schema.json` is generated from it. */
export const mirrorsFile = z
  .strictObject(
    {
      mirrors: z
        // The names are checked in `mirrors-file.ts`: zod would skip the settings of a mirror with a wrong name.
        .record(z.string().meta({ pattern: MIRROR_NAME.source }), mirror, MIRRORS)
        .refine((given) => Object.keys(given).length > 0, MIRRORS)
        .meta({ minProperties: 1, description: 'the mirrors by name: small letters, digits and _' }),
    },
    'a map with the key mirrors',
  )
  .meta({
    title: 'Mirrors of Passerelle',
    description: `The file that MIRRORS_FILE names. \${NAME} in a text is replaced by the value of that variable.`,
  });

type WrittenMirror = z.output<typeof mirror>;
export type WrittenMirrors = Readonly<Record<string, WrittenMirror>>;

/** The first mirror is that of the commands and routes that name none. */
export type Mirrors = readonly [MirrorSettings, ...MirrorSettings[]];

type MirrorDefaults = Omit<Environment, 'DATABASE_URL' | 'REDIS_URL'>;

/** `written` is null if there is no file: the variables define the mirror `bc`. */
export function mirrorsOf(env: MirrorDefaults, written: WrittenMirrors | null): Mirrors {
  const bc = { model: env.ODOO_MODEL, lines: env.ODOO_LINE_MODEL, lines_field: env.ODOO_LINES_FIELD };
  const [first = ['bc', bc] as const, ...rest] = Object.entries(written ?? {});
  return [settingsOf(first, env), ...rest.map((one) => settingsOf(one, env))];
}

const settingsOf = (
  [name, written]: readonly [string, WrittenMirror],
  env: MirrorDefaults,
): MirrorSettings => ({
  name,
  model: written.model,
  lineModel: written.lines ?? null,
  linesField: written.lines_field,
  everyMs: valueOr(written.every, env.SYNC_EVERY),
  fullCron: valueOr(written.full, env.FULL_SYNC_CRON),
  sweepEveryMs: valueOr(written.sweep, env.SWEEP_EVERY),
  domain: written.domain ?? [],
  context: { ...env.ODOO_CONTEXT, ...written.context },
  fields: {
    include: written.fields?.include ?? null,
    exclude: written.fields?.exclude ?? [],
    drop: written.fields?.drop ?? [],
    hash: written.fields?.hash ?? [],
    mask: written.fields?.mask ?? [],
  },
  binaries: written.binaries ?? env.SYNC_BINARIES,
  pageSize: written.page_size ?? env.SYNC_PAGE_SIZE,
});

/** `??` would replace null too, which means off. */
const valueOr = <T>(value: T | undefined, otherwise: T): T => (value === undefined ? otherwise : value);

/** True if the name fits a pattern. `*` is any number of any characters. */
export function matchesAny(given: readonly string[], name: string): boolean {
  return given.some((pattern) => {
    const parts = pattern.split('*').map((part) => part.replaceAll(/[\\^$.+?()[\]{}|/-]/g, '\\$&'));
    return new RegExp(`^${parts.join('.*')}$`, 's').test(name);
  });
}
