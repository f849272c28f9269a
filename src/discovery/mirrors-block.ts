import { type MirrorSettings, matchesAny } from '../config/index.ts';
import { type Personal, personalField } from '../odoo/personal-fields.ts';
import type { OdooFields } from '../odoo/types.ts';
import { BC_MIRROR } from '../shared/mirror-names.ts';
import type { KnownMirror, NamedModel } from './index.ts';

/** Fields that a mirror rarely needs: pictures, and the messages and activities of Odoo. */
const USUALLY_EXCLUDED: readonly string[] = [
  'image_*',
  'avatar_*',
  'message_*',
  'website_message_ids',
  'activity_*',
  'my_activity_*',
];

export interface MirrorsBlock {
  /** Lines of YAML, from `mirrors:` on. */
  readonly lines: readonly string[];
  /** The mirrors that the block defines. */
  readonly mirrors: readonly string[];
}

interface BlockOptions {
  /** Mirrors of MIRRORS_FILE: the block gets no other mirror of their models, and none with their names. */
  readonly existing: readonly KnownMirror[];
  /** Mirrors that the environment defines. The block repeats them, because a file replaces them. */
  readonly kept: readonly Pick<MirrorSettings, 'name' | 'model' | 'lineModel' | 'linesField'>[];
}

/** A block for MIRRORS_FILE. It is valid as it is. The proposals for personal data are comments. */
export function mirrorsBlock(models: readonly NamedModel[], { existing, kept }: BlockOptions): MirrorsBlock {
  const mirrors: KnownMirror[] = [...existing, ...kept];
  const lines = kept.flatMap(keptLines);
  for (const one of models) {
    const owner = mirrors.find((own) => [own.model, own.lineModel].includes(one.model));
    if (owner !== undefined) {
      lines.push(`  # ${one.model} is in the mirror ${owner.name}.`);
      continue;
    }
    const lineModel = one.lines?.model ?? null;
    const lineOwner = mirrors.find((own) => [own.model, own.lineModel].includes(lineModel));
    const name = mirrorName(
      one.model,
      mirrors.map((own) => own.name),
    );
    lines.push(...mirrorLines(name, one, lineModel === null ? undefined : lineOwner));
    mirrors.push({ name, model: one.model, lineModel: lineOwner === undefined ? lineModel : null });
  }
  const names = mirrors.slice(existing.length).map((own) => own.name);
  return { lines: names.length === 0 ? lines : ['mirrors:', ...lines], mirrors: names };
}

function keptLines({ name, model, lineModel, linesField }: BlockOptions['kept'][number]): string[] {
  return [
    `  ${name}:`,
    `    model: ${model}`,
    ...(lineModel === null ? [] : [`    lines: ${lineModel}`]),
    ...(linesField === undefined ? [] : [`    lines_field: ${linesField}`]),
  ];
}

function mirrorLines(name: string, one: NamedModel, lineOwner: KnownMirror | undefined): string[] {
  const { model, label, records, lines, hasWriteDate } = one;
  const amount = `${records.toLocaleString('en')} record${records === 1 ? '' : 's'}`;
  return [
    `  # ${label === null ? '' : `${label.replaceAll(/\s+/g, ' ')}, `}${amount}`,
    `  ${name}:`,
    `    model: ${model}`,
    ...(lines === null || lineOwner !== undefined ? [] : linesOf(lines)),
    ...(lineOwner === undefined
      ? []
      : [`    # The lines ${lines?.model} are in the mirror ${lineOwner.name}.`]),
    ...(hasWriteDate ? [] : ['    # The model has no write_date, so each run reads all records.']),
    ...fieldLines(one),
  ];
}

const linesOf = ({ model, field, isAmbiguous }: NonNullable<NamedModel['lines']>): string[] => [
  `    lines: ${model}`,
  ...(isAmbiguous ? [`    lines_field: ${field}`] : []),
];

function fieldLines({ model, fields, lines, lineFields }: NamedModel): string[] {
  const names = [...Object.keys(fields), ...Object.keys(lineFields ?? {})];
  const exclude = USUALLY_EXCLUDED.filter((pattern) => names.some((name) => matchesAny([pattern], name)));
  const proposals = proposalLines(
    [...personalIn(model, fields), ...personalIn(lines?.model ?? '', lineFields ?? {})].filter(
      // display_name has the policy of name.
      ({ name }) => name !== 'display_name' && !matchesAny(exclude, name),
    ),
  );
  if (exclude.length > 0)
    return [
      '    fields:',
      `      exclude: [${exclude.join(', ')}]`,
      ...proposals.map((line) => `      ${line}`),
    ];
  // A map of comments only would be empty, which the file may not have.
  const [heading, ...policies] = proposals;
  if (heading === undefined) return [];
  return [`    ${heading}`, '    # fields:', ...policies.map((line) => line.replace('# ', '    #   '))];
}

interface PersonalName extends Personal {
  readonly name: string;
}

function personalIn(model: string, fields: OdooFields): PersonalName[] {
  return Object.values(fields).flatMap((field) => {
    const personal = personalField(model, field);
    return personal === null ? [] : [{ ...personal, name: field.name }];
  });
}

/** Comments that are valid settings without their `# `. */
function proposalLines(personal: readonly PersonalName[]): string[] {
  const policies = (['hash', 'mask', 'drop'] as const).flatMap((policy) => {
    const own = personal.filter(({ advice, name }) => advice === policy && isFirst(personal, policy, name));
    const names = [...new Set(own.map(({ name }) => name))];
    return names.length === 0 ? [] : [`# ${policy}: [${names.join(', ')}]`];
  });
  if (policies.length === 0) return [];
  const needsKey = policies.some((line) => line.startsWith('# hash'));
  return [
    `# Personal data and secrets: remove "# " where a policy fits${needsKey ? '; hash needs FIELD_HASH_KEY' : ''}.`,
    ...policies,
  ];
}

/** A field of header and lines has one policy: that of the header. */
const isFirst = (personal: readonly PersonalName[], policy: Personal['advice'], name: string): boolean =>
  personal.find((one) => one.name === name)?.advice === policy;

const MAX_NAME = 31;

/** `res.partner` becomes `res_partner`. Only `dimagaz.bc` becomes `bc`, because that name has tables of its own. */
function mirrorName(model: string, taken: readonly string[]): string {
  if (model === 'dimagaz.bc' && !taken.includes(BC_MIRROR)) return BC_MIRROR;
  const plain = model.replaceAll(/[^a-z0-9]+/g, '_').replace(/^[^a-z]+/, '') || 'mirror';
  const base = plain.slice(0, MAX_NAME);
  const names = [base, ...Array.from({ length: 99 }, (_, at) => `${base.slice(0, MAX_NAME - 3)}_${at + 2}`)];
  return names.find((name) => name !== BC_MIRROR && !taken.includes(name)) ?? base;
}
