/**
 * The data that the mirrors hold, for a register of processing activities (GDPR, article 30): models, fields with their
 * policies, tables, readers and retention.
 *
 * Sources: the configuration, and the field descriptions and rows of PostgreSQL. The report has two halves, because
 * PostgreSQL may be down: without it, the parts that come from it are null.
 *
 * Invariants: it has names, numbers and settings, and never a value of a record. A value in a domain is hidden if its
 * field looks personal. Which fields look personal is a guess by their names (`personal-fields.ts`).
 *
 * ```ts
 * const report = await privacyReport(config, db);
 * report.mirrors[0].fields?.filter(({ policy, personal }) => policy === 'plain' && personal !== null);
 * ```
 */
import { type Config, type MirrorSettings, matchesAny, type RetentionConfig } from '../config/index.ts';
import { listApiKeys } from '../db/api-keys.ts';
import { type Database, databaseClock } from '../db/client.ts';
import { listMirrors } from '../db/documents/mirrors.ts';
import { tablesNamed } from '../db/documents/tables.ts';
import { mirrorContents } from '../db/mirror-stats.ts';
import { listFields } from '../db/odoo-model/fields.ts';
import { viewsOf } from '../db/odoo-model/typed-views.ts';
import type { ApiKeyRow } from '../db/schema/gateway.ts';
import type { MirrorRow } from '../db/schema/mirrors.ts';
import type { OdooFieldRow } from '../db/schema/model.ts';
import { PERSON_MODELS, type Personal, personalField } from '../odoo/personal-fields.ts';
import type { Domain, FieldPolicy, OdooValue } from '../odoo/types.ts';
import { BC_MIRROR, type MirrorModels, type TableNames, tableNames } from '../shared/mirror-names.ts';

/** A field that is read from Odoo. */
interface ReportedField {
  readonly model: string;
  readonly name: string;
  readonly label: string;
  readonly type: string;
  /** `omit`: a many2one without its label. */
  readonly policy: FieldPolicy | 'plain';
  /** Null: it does not look personal. */
  readonly personal: Personal | null;
  /** The model of a many2one, whose value contains the name of its record; null: another type. */
  readonly relation: string | null;
  /** The relation is a model of persons, so the field shows their names. */
  readonly showsPersons: boolean;
  /** The policy of the configuration, if the stored values do not have it yet. */
  readonly pending: FieldPolicy | null;
}

/** A many2one of a mirror that shows the names of another model. */
interface ReportedLabel {
  readonly mirror: string;
  readonly model: string;
  readonly field: string;
  readonly policy: FieldPolicy | 'plain';
}

interface ReportedMirror {
  readonly name: string;
  readonly model: string;
  readonly lineModel: string | null;
  /** False: it left the configuration, and its data stay. */
  readonly isConfigured: boolean;
  /** The settings of the mirror; null if it left the configuration. */
  readonly settings: {
    readonly domain: Domain;
    readonly fields: MirrorSettings['fields'];
    readonly binaries: boolean;
  } | null;
  readonly tables: readonly string[];
  readonly views: readonly string[];
  /** Null: it has never run, or PostgreSQL does not answer. */
  readonly contents: Awaited<ReturnType<typeof mirrorContents>> | null;
  /** Null: Odoo has not described them yet, or PostgreSQL does not answer. */
  readonly fields: readonly ReportedField[] | null;
  /** Fields of other mirrors that show the names of this model. */
  readonly labels: readonly ReportedLabel[];
  /** Valid API keys that can read it; null: PostgreSQL does not answer. */
  readonly apiKeys: { readonly allMirrors: number; readonly limited: number } | null;
}

export interface PrivacyReport {
  /** By the clock of PostgreSQL; null: it does not answer. */
  readonly at: Date | null;
  readonly mirrors: readonly ReportedMirror[];
  /** Milliseconds; null: for ever. */
  readonly retention: RetentionConfig & {
    /** How often rows past their retention are deleted; null: only by the command. */
    readonly pruneEveryMs: number | null;
  };
}

/** @param db null: PostgreSQL does not answer. */
export async function privacyReport(config: Config, db: Database | null): Promise<PrivacyReport> {
  const stored = db === null ? null : await readStored(db);
  const mirrors: ReportedMirror[] = [];
  for (const { own, row } of known(config.mirrors, stored?.rows ?? []))
    mirrors.push(await mirrorOf(own, row, stored));
  return {
    at: stored?.at ?? null,
    mirrors: mirrors.map((mirror) => ({ ...mirror, labels: labelsOf(mirror, mirrors) })),
    retention: { ...config.retention, pruneEveryMs: config.sync.pruneEveryMs },
  };
}

interface Stored {
  readonly db: Database;
  readonly at: Date;
  readonly rows: readonly MirrorRow[];
  readonly keys: readonly ApiKeyRow[];
}

async function readStored(db: Database): Promise<Stored> {
  const [at, rows, keys] = [await databaseClock(db), await listMirrors(db), await listApiKeys(db)];
  return { db, at, rows, keys };
}

interface KnownMirror {
  /** Null: it left the configuration. */
  readonly own: MirrorSettings | null;
  readonly row: MirrorModels & { readonly tables: TableNames; readonly hasRun: boolean };
}

/** Those of the configuration first, in its order. */
function known(configured: readonly MirrorSettings[], rows: readonly MirrorRow[]): KnownMirror[] {
  const names = configured.map(({ name }) => name);
  return [
    ...configured.map((own) => {
      // Migrations create the tables of `bc`.
      const hasRun = own.name === BC_MIRROR || rows.some(({ name }) => name === own.name);
      return { own, row: { ...own, tables: tableNames(own), hasRun } };
    }),
    ...rows
      .filter(({ name }) => !names.includes(name))
      .map((row) => {
        const { headerTable: header, lineTable: line, auditTable: audit } = row;
        return { own: null, row: { ...row, tables: { header, line, audit }, hasRun: true } };
      }),
  ];
}

async function mirrorOf(
  own: MirrorSettings | null,
  { name, model, lineModel, tables, hasRun }: KnownMirror['row'],
  stored: Stored | null,
): Promise<ReportedMirror> {
  const store = tablesNamed(tables);
  const views = viewsOf(store);
  const described = stored === null ? [] : await describedFields(stored.db, [model, lineModel]);
  return {
    ...{ name, model, lineModel },
    isConfigured: own !== null,
    settings: own && { domain: withoutValues(own), fields: own.fields, binaries: own.binaries },
    // The table of lines is empty without a line model.
    tables: [tables.header, ...(lineModel === null ? [] : [tables.line]), tables.audit],
    views: [views.header.name, ...(lineModel === null ? [] : [views.line.name])],
    contents: stored === null || !hasRun ? null : await mirrorContents({ ...store, db: stored.db }, model),
    fields: described.length === 0 ? null : described.map((row) => fieldOf(row, own)),
    labels: [],
    apiKeys: stored && readersOf(name, stored),
  };
}

async function describedFields(db: Database, models: readonly (string | null)[]): Promise<OdooFieldRow[]> {
  const fields: OdooFieldRow[] = [];
  for (const model of models) if (model !== null) fields.push(...(await listFields(db, model)));
  return fields.filter(({ description }) => description.mirrored !== false);
}

const HIDDEN = '***';

/** A domain may compare with the address or the name of a person. Ids, numbers and states stay. */
function withoutValues({ model, domain }: MirrorSettings): Domain {
  return domain.map((member) => {
    if (typeof member === 'string') return member;
    const [path, operator, value] = member;
    return hasText(value) && comparesPersonal(model, path) ? [path, operator, HIDDEN] : member;
  });
}

const hasText = (value: OdooValue): boolean =>
  typeof value === 'string' || (Array.isArray(value) && value.some(hasText));

/** A text is compared with the names of the records of a many2one. */
function comparesPersonal(model: string, path: string): boolean {
  const name = path.split('.').at(-1) ?? path;
  // `partner_id.email` is a field of another model, whose name is judged like that of a person.
  const models = path.includes('.') ? PERSON_MODELS : [model];
  return /_u?ids?$/.test(name) || models.some((of) => personalField(of, { name, type: 'char' }) !== null);
}

function fieldOf(row: OdooFieldRow, own: MirrorSettings | null): ReportedField {
  const { model, name, label, type, description } = row;
  const relation = type === 'many2one' ? row.relation : null;
  return {
    ...{ model, name, label, type, relation },
    policy: description.policy ?? 'plain',
    personal: personalField(model, { name, type, ...(relation !== null && { relation }) }),
    showsPersons: relation !== null && PERSON_MODELS.includes(relation),
    pending: own === null ? null : pendingPolicy(row, own),
  };
}

/** The engine needs them, so it reads them whatever the configuration says. */
const ALWAYS_READ: readonly string[] = ['id', 'write_date', 'create_date'];

/** The description is that of the last run. A policy that the configuration got later applies from the next run on. */
function pendingPolicy(
  { name, type, relation, description }: OdooFieldRow,
  own: MirrorSettings,
): FieldPolicy | null {
  const { include, exclude, drop, hash, mask } = own.fields;
  if (ALWAYS_READ.includes(name)) return null;
  const isLink =
    (type === 'one2many' && relation === own.lineModel) || (type === 'many2one' && relation === own.model);
  const isLeftOut =
    matchesAny([...exclude, ...drop], name) || (include !== null && !matchesAny(include, name));
  if (isLeftOut) return isLink ? null : 'omit';
  const wanted = matchesAny(hash, name) ? 'hash' : matchesAny(mask, name) ? 'mask' : null;
  return wanted === description.policy ? null : wanted;
}

function labelsOf({ name, model }: ReportedMirror, mirrors: readonly ReportedMirror[]): ReportedLabel[] {
  return mirrors
    .filter((other) => other.name !== name)
    .flatMap(({ name: mirror, fields }) =>
      (fields ?? [])
        .filter(({ relation }) => relation === model)
        .map((field) => ({ mirror, model: field.model, field: field.name, policy: field.policy })),
    );
}

function readersOf(name: string, { keys, at }: Stored): ReportedMirror['apiKeys'] {
  const readers = keys.filter(
    ({ scopes, revokedAt, expiresAt }) =>
      revokedAt === null &&
      (expiresAt === null || expiresAt > at) &&
      scopes.some((scope) => scope === 'bc:read' || scope === 'admin'),
  );
  return {
    allMirrors: readers.filter(({ mirrors }) => mirrors.length === 0).length,
    limited: readers.filter(({ mirrors }) => mirrors.includes(name)).length,
  };
}
