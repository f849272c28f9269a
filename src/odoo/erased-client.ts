/**
 * Odoo without the records that were erased from mirrors. Each mirror reads through this client, so an erased record is
 * to the engine like one that Odoo does not have: sweeps do not restore it, and `verify` does not miss it.
 *
 * - No search finds an erased record, and `read` leaves it out. The lines of an erased header are left out too.
 * - A many2one of header or lines that refers to an erased record keeps its id and has no label.
 *
 * Each call asks `current` for the erased records first, so a call that begins after an erasure does not return the
 * record. While nothing is erased, calls and answers are passed on unchanged.
 *
 * ```ts
 * const odoo = withoutErased(scopedClient, { model: 'res.partner', lineModel: null }, () => erasedRecords(db));
 * ```
 */
import { labelRemoval, type RecordIds, referredId } from './field-policies.ts';
import { linesLink } from './fields.ts';
import type { Domain, OdooClient, OdooFields, OdooRecord } from './types.ts';

/** The models of a mirror. */
interface OwnModels {
  readonly model: string;
  /** Null: a mirror without lines. */
  readonly lineModel: string | null;
  readonly linesField?: string | undefined;
}

/** The lines of erased headers. */
interface ErasedLines {
  readonly inverse: string;
  readonly headers: ReadonlySet<number>;
}

/** @param current returns the erased records of all mirrors, by model. */
export function withoutErased(
  odoo: OdooClient,
  { model: headerModel, lineModel, linesField }: OwnModels,
  current: () => Promise<RecordIds>,
): OdooClient {
  const isOwn = (model: string) => model === headerModel || model === lineModel;

  const newest = new Map<string, Promise<OdooFields>>();
  const describe = (model: string): Promise<OdooFields> => {
    const described = odoo.fieldsGet(model);
    newest.set(model, described);
    // A failed request is not remembered: the next call asks again.
    described.catch(() => {
      if (newest.get(model) === described) newest.delete(model);
    });
    return described;
  };
  const fieldsOf = (model: string) => newest.get(model) ?? describe(model);

  const erasedLines = async (model: string, erased: RecordIds): Promise<ErasedLines | null> => {
    const headers = model === lineModel ? erased.get(headerModel) : undefined;
    if (headers === undefined || lineModel === null) return null;
    const link = linesLink(
      { model: headerModel, lineModel, linesField },
      await fieldsOf(headerModel),
      await fieldsOf(lineModel),
    );
    return { inverse: link.inverse, headers };
  };

  const within = async (model: string, asked: Domain, erased: RecordIds): Promise<Domain> => {
    const ids = erased.get(model);
    const lines = await erasedLines(model, erased);
    if (ids === undefined && lines === null) return asked;
    return [
      ...(ids === undefined ? [] : [['id', 'not in', [...ids]] as const]),
      ...(lines === null ? [] : [[lines.inverse, 'not in', [...lines.headers]] as const]),
      ...asked,
    ];
  };

  /** Requests records, and leaves out lines of erased headers and the labels of erased records. */
  const records = async (
    model: string,
    erased: RecordIds,
    fields: readonly string[],
    request: (fields: readonly string[]) => Promise<OdooRecord[]>,
  ): Promise<OdooRecord[]> => {
    if (erased.size === 0 || !isOwn(model)) return request(fields);
    const lines = await erasedLines(model, erased);
    const isAdded = lines !== null && fields.length > 0 && !fields.includes(lines.inverse);
    const read = await request(isAdded ? [...fields, lines.inverse] : fields);
    const left =
      lines === null ? read : read.filter((line) => !lines.headers.has(referredId(line[lines.inverse]) ?? 0));
    const asked = isAdded ? left.map((line) => without(line, lines.inverse)) : left;
    const redact = labelRemoval(await fieldsOf(model), erased);
    return redact === null ? asked : asked.map(redact);
  };

  return {
    target: odoo.target,
    get calls() {
      return odoo.calls;
    },
    connect: () => odoo.connect(),
    clock: () => odoo.clock(),
    fieldsGet: (model) => (isOwn(model) ? describe(model) : odoo.fieldsGet(model)),
    search: async (model, asked, options) =>
      odoo.search(model, await within(model, asked, await current()), options),
    searchCount: async (model, asked) => odoo.searchCount(model, await within(model, asked, await current())),
    searchRead: async (model, asked, { fields, ...options }) => {
      const erased = await current();
      const domain = await within(model, asked, erased);
      return records(model, erased, fields, (read) =>
        odoo.searchRead(model, domain, { ...options, fields: read }),
      );
    },
    read: async (model, ids, { fields, ...options }) => {
      const erased = await current();
      const hidden = erased.get(model);
      const present = hidden === undefined ? ids : ids.filter((id) => !hidden.has(id));
      if (present.length === 0) return [];
      return records(model, erased, fields, (read) =>
        odoo.read(model, present, { ...options, fields: read }),
      );
    },
    close: () => odoo.close(),
  };
}

function without(record: OdooRecord, field: string): OdooRecord {
  const { [field]: _, ...others } = record;
  return { ...others, id: record.id };
}
