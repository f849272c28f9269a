import { type MirrorPlaces, type MirrorSettings, matchesAny } from '../config/index.ts';
import { OdooLinkError, OdooModelError } from '../odoo/errors.ts';
import { linesLink } from '../odoo/fields.ts';
import type { Domain, OdooClient, OdooFields } from '../odoo/types.ts';
import { errorMessage } from '../shared/errors.ts';
import { closest } from '../shared/spelling.ts';
import { listCandidates } from './candidates.ts';

/**
 * The settings of MIRRORS_FILE that this Odoo contradicts, one line each: unknown models, links and fields, patterns
 * that match no field, and domains that Odoo refuses. A model that cannot be asked about now is no problem of the file:
 * its mirror fails alone.
 *
 * @param placeOf the file and line of a setting.
 */
export async function mirrorProblems(
  odoo: OdooClient,
  mirrors: readonly MirrorSettings[],
  placeOf: MirrorPlaces,
): Promise<string[]> {
  const known = new ModelNames(odoo);
  const found = await Promise.all(
    mirrors.map(async (own) => {
      const place: MirrorPlaces = (...path) => placeOf('mirrors', own.name, ...path);
      return problemsOf(odoo, own, place, known).catch(() => []);
    }),
  );
  return found.flat();
}

async function problemsOf(
  odoo: OdooClient,
  own: MirrorSettings,
  place: MirrorPlaces,
  known: ModelNames,
): Promise<string[]> {
  const { model, lineModel } = own;
  const header = await fieldsOf(odoo, model);
  const line = lineModel === null ? {} : await fieldsOf(odoo, lineModel);
  const unknown = [
    ...(header === null ? [`${place('model')}: ${await known.unknown(model)}`] : []),
    ...(line === null ? [`${place('lines')}: ${await known.unknown(lineModel ?? '')}`] : []),
  ];
  if (header === null || line === null) return unknown;
  return [
    ...linkProblems(own, header, line, place),
    ...patternProblems(own, [...Object.keys(header), ...Object.keys(line)], place),
    ...(await domainProblems(odoo, own, header, place)),
  ];
}

/** Null: Odoo has no such model. */
async function fieldsOf(odoo: OdooClient, model: string): Promise<OdooFields | null> {
  try {
    return await odoo.fieldsGet(model);
  } catch (error) {
    if (error instanceof OdooModelError) return null;
    throw error;
  }
}

function linkProblems(
  { model, lineModel, linesField }: MirrorSettings,
  header: OdooFields,
  line: OdooFields,
  place: MirrorPlaces,
): string[] {
  if (lineModel === null) return [];
  try {
    linesLink({ model, lineModel, linesField }, header, line);
    return [];
  } catch (error) {
    if (!(error instanceof OdooLinkError)) throw error;
    return [`${place(linesField === undefined ? 'lines' : 'lines_field')}: ${error.message}`];
  }
}

function patternProblems(
  { model, fields }: MirrorSettings,
  names: readonly string[],
  place: MirrorPlaces,
): string[] {
  return (['include', 'exclude', 'drop', 'hash', 'mask'] as const).flatMap((policy) =>
    (fields[policy] ?? []).flatMap((pattern, index) => {
      if (names.some((name) => matchesAny([pattern], name))) return [];
      const text = `no field of ${model} matches ${JSON.stringify(pattern)}.`;
      return [`${place('fields', policy, index)}: ${text}${meant(pattern, names)}`];
    }),
  );
}

async function domainProblems(
  odoo: OdooClient,
  { model, domain }: MirrorSettings,
  header: OdooFields,
  place: MirrorPlaces,
): Promise<string[]> {
  if (domain.length === 0) return [];
  const names = ['id', ...Object.keys(header)];
  const unknown = domain.flatMap((member) => {
    const [field = ''] = typeof member === 'string' ? [] : member[0].split('.');
    if (typeof member === 'string' || names.includes(field)) return [];
    const text = `${model} has no field ${JSON.stringify(field)}.`;
    return [`${place('domain')}: ${text}${meant(field, names)}`];
  });
  if (unknown.length > 0) return unknown;
  const refusal = await refusalOf(odoo, model, domain);
  // A passing fault of Odoo refuses anything.
  if (refusal === null || (await refusalOf(odoo, model, [])) !== null) return [];
  const again = await refusalOf(odoo, model, domain);
  return again === null ? [] : [`${place('domain')}: Odoo refuses this domain. ${errorMessage(again)}`];
}

/** Null: Odoo counts the records. */
async function refusalOf(odoo: OdooClient, model: string, domain: Domain): Promise<unknown> {
  try {
    await odoo.searchCount(model, domain);
    return null;
  } catch (error) {
    return error;
  }
}

function meant(name: string, known: readonly string[]): string {
  const found = closest(name, known);
  return found === undefined ? '' : ` Did you mean ${found}?`;
}

/** The models of this Odoo, asked once and only for suggestions. */
class ModelNames {
  readonly #odoo: OdooClient;
  #names: Promise<readonly string[]> | null = null;

  constructor(odoo: OdooClient) {
    this.#odoo = odoo;
  }

  async unknown(model: string): Promise<string> {
    this.#names ??= listCandidates(this.#odoo, []).then(
      ({ list }) => list.map((candidate) => candidate.model),
      () => [],
    );
    return `Odoo has no model ${JSON.stringify(model)}.${meant(model, await this.#names)}`;
  }
}
