import { createHash } from 'node:crypto';

/** The mirror that the `ODOO_*` variables define, and the only one before there were several. */
export const BC_MIRROR = 'bc';

/** The models of a mirror; `lineModel` is null if it has no lines. */
export interface MirrorModels {
  readonly name: string;
  readonly model: string;
  readonly lineModel: string | null;
}

/** The names of the tables of a mirror. */
export interface TableNames {
  readonly header: string;
  readonly line: string;
  readonly audit: string;
}

/** The tables of the mirror `bc` have these names, whatever its models. */
export const BC_TABLE_NAMES: TableNames = {
  header: 'scrap_dimagaz_bc',
  line: 'scrap_dimagaz_bc_line',
  audit: 'audit_log',
};

/** The names of the tables of a mirror: those of its models. A mirror without lines has an empty table of lines. */
export function tableNames({ name, model, lineModel }: MirrorModels): TableNames {
  if (name === BC_MIRROR) return BC_TABLE_NAMES;
  const header = tableName(model);
  return {
    header,
    line: lineModel === null ? `${header}_line` : tableName(lineModel),
    audit: `${header}_audit`,
  };
}

/** Longer names would exceed the 63 bytes of PostgreSQL with the endings of indexes. */
const MAX_NAME = 40;
const DIGITS = 8;

function tableName(model: string): string {
  const name = `scrap_${model.replaceAll('.', '_')}`;
  if (name.length <= MAX_NAME) return name;
  const digest = createHash('sha256').update(model).digest('hex').slice(0, DIGITS);
  return `${name.slice(0, MAX_NAME - DIGITS - 1)}_${digest}`;
}
