import type { IncludedRecord } from '../../../db/documents/queries.ts';
import type { MirrorTables } from '../../../db/documents/tables.ts';
import type { OdooFieldRow } from '../../../db/schema/model.ts';
import {
  BadValueError,
  MirrorNotAllowedError,
  NotMany2oneError,
  RelationNotMirroredError,
  UnknownFieldError,
} from '../../errors.ts';
import type { KnownFields, KnownModels } from './fields-cache.ts';

/** The mirrors from which the records of many2one fields can be included. */
export interface Relations {
  /** Those that the key of the request reaches. */
  readonly mirrors: readonly {
    readonly name: string;
    readonly models: KnownModels;
    readonly store: Pick<MirrorTables, 'header'>;
  }[];
  /** The mirrors to which the key is limited; null: all. */
  readonly limit: readonly string[] | null;
}

/** For routes whose `include` takes lines only. */
export const NO_RELATIONS: Relations = { mirrors: [], limit: null };

/** Each one is an index lookup for each item of the page. */
export const MAX_INCLUDED = 5;

const LINES = 'lines';
const LINE_PREFIX = `${LINES}.`;

interface IncludeQuery {
  readonly include?: string | undefined;
  readonly include_fields?: Readonly<Record<string, string>> | undefined;
}

interface Include {
  readonly lines: boolean;
  readonly included: readonly IncludedRecord[];
  readonly lineIncluded: readonly IncludedRecord[];
}

/**
 * The parameter `include`: `lines`, many2one fields of the header, and many2one fields of the lines as
 * `lines.product_id`, which include the lines too. `include_fields` selects the fields of a record.
 *
 * @throws UnknownFieldError, NotMany2oneError, RelationNotMirroredError, MirrorNotAllowedError, BadValueError
 */
export function readInclude(
  { include, include_fields: picks = {} }: IncludeQuery,
  known: KnownFields,
  relations: Relations,
): Include {
  const names = include === undefined ? [] : [...new Set(include.split(',').map((name) => name.trim()))];
  const fields = names.filter((name) => name !== LINES);
  if (fields.length > MAX_INCLUDED) {
    throw new BadValueError('include', `${fields.length} fields`, `lines and at most ${MAX_INCLUDED} fields`);
  }
  const ofLines = fields.filter((name) => name.startsWith(LINE_PREFIX));
  const all = [...known.header, ...known.line.map(inLine)];
  const read = (name: string): IncludedRecord => {
    const { model, table } = find(name, all, relations);
    const pick = readNames(`include_fields[${name}]`, picks[name], known.related?.get(model) ?? []);
    return { field: name.slice(name.indexOf('.') + 1), table, pick };
  };
  for (const name of Object.keys(picks)) {
    if (!fields.includes(name)) throw new BadValueError('include_fields', name, 'a field that include names');
  }
  return {
    lines: names.includes(LINES) || ofLines.length > 0,
    included: fields.filter((name) => !ofLines.includes(name)).map(read),
    lineIncluded: ofLines.map(read),
  };
}

const inLine = (field: OdooFieldRow): OdooFieldRow => ({ ...field, name: LINE_PREFIX + field.name });

/** @throws UnknownFieldError */
function readNames(parameter: string, names: string | undefined, all: readonly string[]): string[] | null {
  if (names === undefined) return null;
  return names.split(',').map((given) => {
    const name = given.trim();
    if (!all.includes(name)) throw new UnknownFieldError(parameter, name, all);
    return name;
  });
}

/** The model of a field, and the table of its mirror. */
function find(name: string, all: readonly OdooFieldRow[], { mirrors, limit }: Relations) {
  const mirrorOf = ({ type, relation }: OdooFieldRow) =>
    type === 'many2one' ? mirrors.find(({ models }) => models.model === relation) : undefined;
  const possible = all.filter((field) => mirrorOf(field) !== undefined).map((field) => field.name);
  const field = all.find((candidate) => candidate.name === name);
  if (field === undefined) {
    throw new UnknownFieldError('include', name, all.length === 0 ? [] : [LINES, ...possible]);
  }
  const { type, relation } = field;
  if (type !== 'many2one' || relation === null) throw new NotMany2oneError(name, type, possible);
  const table = mirrorOf(field)?.store.header;
  if (table !== undefined) return { model: relation, table };
  if (limit !== null) throw new MirrorNotAllowedError(limit, { field: name, relation });
  throw new RelationNotMirroredError(name, relation, mirrors);
}
