import { OdooLinkError } from './errors.ts';
import type { OdooFieldDescription, OdooFields } from './types.ts';

/** The line model of a mirror without lines. It has no fields and no records, and Odoo is never asked about it. */
export const NO_LINES_MODEL = '(no lines)';

/** The configured models of header and lines. */
interface LinkedModels {
  readonly model: string;
  readonly lineModel: string;
  /** The one2many of the header; needed only if several fit. */
  readonly linesField?: string | null | undefined;
}

interface LinesLink {
  /** The one2many of the header that contains the lines; empty if the mirror has no lines. */
  readonly linesField: string;
  /** The many2one of the line to its header; empty if the mirror has no lines. */
  readonly inverse: string;
}

/**
 * The one2many of the header whose relation is the line model, and its inverse. Odoo 14.0 and 19.0 name the inverse as
 * `relation_field`. If a field lacks it, the inverse is the only many2one of the line to the header model.
 *
 * @throws OdooLinkError that names the candidates if it finds no field, or more than one.
 */
export function linesLink(models: LinkedModels, header: OdooFields, line: OdooFields): LinesLink {
  if (models.lineModel === NO_LINES_MODEL) return { linesField: '', inverse: '' };
  const field = linesFieldOf(models, header);
  return { linesField: field.name, inverse: inverseOf(models, field, line) };
}

/** The field names to request, `id` first: every field that `fields_get` shows this user. */
export function readableFields(fields: OdooFields): string[] {
  return ['id', ...Object.keys(fields).filter((name) => name !== 'id')];
}

/** The fields with large contents, which are read separately. Odoo describes images as `binary` too. */
export function binaryFields(fields: OdooFields): string[] {
  return Object.values(fields)
    .filter((field) => field.type === 'binary')
    .map((field) => field.name);
}

function linesFieldOf(
  { model, lineModel, linesField }: LinkedModels,
  header: OdooFields,
): OdooFieldDescription {
  const candidates = Object.values(header).filter(
    (field) => field.type === 'one2many' && field.relation === lineModel,
  );
  const chosen = linesField ? candidates.filter((field) => field.name === linesField) : candidates;
  const [only, ...others] = chosen;
  if (only !== undefined && others.length === 0) return only;
  if (candidates.length === 0)
    throw new OdooLinkError(`${model} has no one2many to ${lineModel}. ${CHECK_MODELS}`);
  const names = candidates.map((field) => field.name).join(', ');
  throw new OdooLinkError(
    linesField
      ? `ODOO_LINES_FIELD is ${linesField}, but the one2many fields of ${model} to ${lineModel} are: ${names}.`
      : `${model} has several one2many fields to ${lineModel}: ${names}. Set ODOO_LINES_FIELD to the one that holds the lines.`,
  );
}

function inverseOf(
  { model, lineModel }: LinkedModels,
  field: OdooFieldDescription,
  line: OdooFields,
): string {
  if (field.relation_field) return field.relation_field;
  const candidates = Object.values(line).filter(
    (other) => other.type === 'many2one' && other.relation === model,
  );
  const [only, ...others] = candidates;
  if (only !== undefined && others.length === 0) return only.name;
  const names = candidates.map((candidate) => candidate.name).join(', ') || 'none';
  throw new OdooLinkError(
    `Odoo does not report the inverse of ${model}.${field.name}, and the many2one fields of ${lineModel} ` +
      `to ${model} are: ${names}. Set ODOO_LINES_FIELD to a one2many with an inverse.`,
  );
}

const CHECK_MODELS = 'Check ODOO_MODEL and ODOO_LINE_MODEL.';

/** A time in the format of Odoo: UTC, whole seconds, rounded down. */
export function odooDateTime(moment: Date): string {
  return moment.toISOString().slice(0, 19).replace('T', ' ');
}
