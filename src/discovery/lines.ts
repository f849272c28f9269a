import type { OdooFieldDescription, OdooFields } from '../odoo/types.ts';

/** A line model that fits a header. */
export interface SuggestedLines {
  readonly model: string;
  /** The one2many of the header that holds the lines. */
  readonly field: string;
  /** Several fields of the header lead to the model, so the mirror needs `lines_field`. */
  readonly isAmbiguous: boolean;
}

/** Line models that neither their name nor their fields reveal. */
const KNOWN_LINES: Readonly<Record<string, string>> = {
  'stock.picking': 'stock.move',
  'hr.expense.sheet': 'hr.expense',
};

const USUAL_FIELDS: readonly string[] = ['line_ids', 'order_line', 'move_ids', 'move_lines', 'lines'];

/**
 * The line models that fit, the best first:
 *
 * 1. a known pair;
 * 2. the name of the header with `line` behind it: `purchase.order.line`;
 * 3. a name with `line` whose records are deleted with the header. `owned` has these fields as `model.field`.
 *
 * A name with `line` alone proves nothing: res.partner has a one2many to purchase.order.line too.
 */
export function suggestLines(
  header: string,
  fields: OdooFields,
  owned: ReadonlySet<string>,
): SuggestedLines[] {
  const lists = Object.values(fields).filter(
    ({ type, relation }) => type === 'one2many' && relation !== undefined && relation !== header,
  );
  const rated = [...new Set(lists.map(({ relation = '' }) => relation))].flatMap((model) => {
    const leading = lists.filter(({ relation }) => relation === model);
    const rank = rankOf(header, model, leading, owned);
    return rank === null ? [] : [{ model, rank, leading }];
  });
  return rated
    .toSorted((one, other) => one.rank - other.rank || one.model.length - other.model.length)
    .map(({ model, leading }) => ({ model, field: mainField(leading), isAmbiguous: leading.length > 1 }));
}

function rankOf(
  header: string,
  model: string,
  leading: readonly OdooFieldDescription[],
  owned: ReadonlySet<string>,
): number | null {
  if (KNOWN_LINES[header] === model) return 1;
  if (model.startsWith(header) && /^[._]?lines?(?:[._]|$)/.test(model.slice(header.length))) return 2;
  const isOwned = leading.some(({ relation_field: inverse }) => owned.has(`${model}.${inverse ?? ''}`));
  return isOwned && /(?:^|[._])lines?(?:[._]|$)/.test(model) ? 3 : null;
}

/** Odoo has further one2many fields for parts of the lines, such as `invoice_line_ids` next to `line_ids`. */
function mainField(leading: readonly OdooFieldDescription[]): string {
  const stored = leading.filter(({ store }) => store !== false);
  const names = (stored.length > 0 ? stored : leading).map(({ name }) => name);
  const usual = USUAL_FIELDS.find((name) => names.includes(name));
  return usual ?? names.toSorted((one, other) => one.length - other.length)[0] ?? '';
}
