import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { errorCode } from '../shared/errors.ts';
import { tableNames } from '../shared/mirror-names.ts';
import { closest } from '../shared/spelling.ts';
import { quoted } from './masking.ts';
import { MIRROR_NAME, mirrorsFile, type WrittenMirrors } from './mirrors.ts';
import { type FileProblem, type Path, readYaml, type YamlFile } from './mirrors-yaml.ts';
import { modelName } from './parsers.ts';
import { variables } from './schema.ts';
import { type Given, placeOf } from './source.ts';

interface MirrorsInFile {
  /** Null if there is no file, or if it has problems. */
  readonly mirrors: WrittenMirrors | null;
  /** One line each, in the order of the file. */
  readonly problems: readonly string[];
  /** Null if there is no file, or if it cannot be read. */
  readonly placeOf: MirrorPlaces | null;
}

/** The file, line and path of a setting: `mirrors.yaml line 9: mirrors.partners.model`. */
export type MirrorPlaces = (...path: Path) => string;

/** The mirrors of `MIRRORS_FILE`, or every problem of that file. */
export function readMirrorsFile(given: Given): MirrorsInFile {
  const file = given.values['MIRRORS_FILE'];
  if (file === undefined) return { mirrors: null, problems: [], placeOf: null };
  const ofVariables = excludedVariables(given);
  const text = textOf(file);
  if (typeof text !== 'string') {
    const got = `got ${quoted('MIRRORS_FILE', file)} from ${placeOf(given.originOf('MIRRORS_FILE'))}`;
    const problem = `MIRRORS_FILE: expected a file that this process can read (${text.code}); ${got}`;
    return { mirrors: null, problems: [...ofVariables, problem], placeOf: null };
  }
  const yaml = readYaml(text, given.values);
  const { mirrors, problems } = mirrorsIn(yaml, given);
  const place: MirrorPlaces = (...path) => `${file} line ${yaml.lineOf(path)}: ${pathText(path)}`;
  const lines = problems
    .toSorted((one, other) => one.line - other.line)
    .map((one) => `${file} line ${one.line}: ${one.text}`);
  return { mirrors, problems: [...ofVariables, ...lines], placeOf: place };
}

function textOf(file: string): string | { readonly code: string } {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    return { code: errorCode(error) };
  }
}

/** One model for all mirrors would be no default. */
function excludedVariables(given: Given): string[] {
  return (['ODOO_MODEL', 'ODOO_LINE_MODEL', 'ODOO_LINES_FIELD'] as const).flatMap((name) => {
    const value = given.values[name];
    if (value === undefined) return [];
    const got = `got ${quoted(name, value)} from ${placeOf(given.originOf(name))}`;
    return [`${name}: expected no value with MIRRORS_FILE, set the models in the file; ${got}`];
  });
}

interface ShownProblem {
  readonly line: number;
  readonly text: string;
}

function mirrorsIn(yaml: YamlFile, given: Given) {
  const { syntaxProblems, referenceProblems } = yaml;
  // After a syntax error, the parser guesses the rest.
  if (syntaxProblems.length > 0) return { mirrors: null, problems: syntaxProblems.map(withPath) };
  const error = () => 'a value that JSON can express';
  const parsed = mirrorsFile.safeParse(yaml.value, { error });
  const isReported = ({ path }: z.core.$ZodIssue) =>
    referenceProblems.some((other) => pathText(other.path) === pathText(path));
  const issues = (parsed.error?.issues ?? []).filter((issue) => !isReported(issue));
  const problems: ShownProblem[] = [
    ...referenceProblems.map(withPath),
    ...issues.flatMap((issue) => problemsOf(issue, yaml)),
    ...crossProblems(yaml, given).map(withPath),
  ];
  return { mirrors: parsed.data?.mirrors ?? null, problems };
}

const withPath = ({ line, path, text }: FileProblem): ShownProblem => ({
  line,
  text: path.length === 0 ? text : `${pathText(path)}: ${text}`,
});

/** `mirrors.partners.fields.hash[0]` */
const pathText = (path: Path): string =>
  path
    .map((part, at) => (typeof part === 'number' ? `[${part}]` : `${at > 0 ? '.' : ''}${String(part)}`))
    .join('');

/** The problems of one issue of the schema. */
function problemsOf(issue: z.core.$ZodIssue, yaml: YamlFile): ShownProblem[] {
  const { path } = issue;
  if (issue.code === 'unrecognized_keys') {
    const known = keysAt(path);
    return issue.keys.map((key) => {
      const meant = closest(key, known);
      const advice = meant === undefined ? `The keys are ${known.join(', ')}.` : `Did you mean ${meant}?`;
      const own = [...path, key];
      return withPath({ line: yaml.lineOf(own), path: own, text: `unknown key. ${advice}` });
    });
  }
  const line = yaml.lineOf(path);
  const written = yaml.writtenAt(path);
  if (written === undefined) return [{ line, text: `${pathText(path)} is required: ${issue.message}` }];
  const expected = `expected ${issue.message}`;
  return [withPath({ line, path, text: `${expected}; got ${shown(written)}` })];
}

const mirrorShape = mirrorsFile.shape.mirrors.valueType.shape;
const POLICY_PATH_LENGTH = 3;

/** The keys that a map of the file may have. The maps are: the file, a mirror, and the fields of a mirror. */
function keysAt({ length }: Path): readonly string[] {
  if (length === 0) return Object.keys(mirrorsFile.shape);
  return Object.keys(length === POLICY_PATH_LENGTH ? mirrorShape.fields.unwrap().shape : mirrorShape);
}

const MAX_SHOWN = 80;

function shown(written: unknown): string {
  if (written === null) return 'nothing';
  if (typeof written === 'string') return quoted('', written);
  const text = typeof written === 'object' ? JSON.stringify(written) : String(written);
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text;
}

const NO_POLICY = { drop: [], hash: [], mask: [] };
const anyList = z.array(z.unknown()).catch([]);

/** The settings that mirrors are compared by. A file that the schema refuses has them too: one error lists it all. */
const lenientMirror = z
  .object({
    model: modelName.optional().catch(undefined),
    lines: modelName.optional().catch(undefined),
    lines_field: z.string().optional().catch(undefined),
    fields: z.object({ drop: anyList, hash: anyList, mask: anyList }).catch(NO_POLICY),
  })
  .catch({ fields: NO_POLICY });
const lenientFile = z
  .object({ mirrors: z.record(z.string(), lenientMirror).catch({}) })
  .catch({ mirrors: {} });
type LenientMirror = z.output<typeof lenientMirror>;

/** Wrong names, and settings that are valid only alone. */
function crossProblems(yaml: YamlFile, given: Given): FileProblem[] {
  const mirrors = Object.entries(lenientFile.parse(yaml.value).mirrors);
  const problem = (path: Path, text: string): FileProblem => ({ line: yaml.lineOf(path), path, text });
  return [
    ...mirrors.flatMap(([name, mirror]) => [
      ...(MIRROR_NAME.test(name)
        ? []
        : [problem(['mirrors', name], `expected ${NAME}; got ${JSON.stringify(name)}`)]),
      ...policyProblems(name, mirror, given, problem),
    ]),
    ...tableProblems(mirrors, yaml, problem),
  ];
}

const NAME = 'a name of at most 31 small letters, digits and _ that begins with a letter';

type NewProblem = (path: Path, text: string) => FileProblem;

function policyProblems(name: string, mirror: LenientMirror, given: Given, problem: NewProblem) {
  const { fields, lines, lines_field: linesField } = mirror;
  const at = (...path: Path): Path => ['mirrors', name, ...path];
  const owners = new Map<unknown, string>();
  const twice = (['drop', 'hash', 'mask'] as const).flatMap((policy) =>
    fields[policy].flatMap((pattern, index) => {
      const owner = owners.get(pattern) ?? policy;
      owners.set(pattern, owner);
      if (owner === policy) return [];
      const text = `${shown(pattern)} is in ${owner} too. Give each field one of drop, hash and mask`;
      return [problem(at('fields', policy, index), text)];
    }),
  );
  const needsKey = fields.hash.length > 0 && given.values['FIELD_HASH_KEY'] === undefined;
  const { description } = variables.FIELD_HASH_KEY;
  return [
    ...(lines === undefined && linesField !== undefined
      ? [problem(at('lines_field'), 'expected lines with lines_field. Add the model of the lines')]
      : []),
    ...(needsKey
      ? [problem(at('fields', 'hash'), `FIELD_HASH_KEY is required with hash: ${description}`)]
      : []),
    ...twice,
  ];
}

/** A table that a mirror needs. */
interface Claim {
  readonly mirror: string;
  readonly path: Path;
  /** Null: the table of its audit trail, and the line table of a mirror without lines. */
  readonly model: string | null;
  readonly table: string;
}

function tableProblems(
  mirrors: readonly (readonly [string, LenientMirror])[],
  yaml: YamlFile,
  problem: NewProblem,
): FileProblem[] {
  const claims = mirrors.flatMap(([name, mirror]) => claimsOf(name, mirror));
  const pairs = new Set<string>();
  return claims.flatMap(({ mirror, path, model, table }, index) => {
    const others = claims.slice(0, index);
    const owner =
      others.find((other) => model !== null && other.model === model) ??
      others.find((other) => other.table === table);
    const pair = `${owner?.mirror} ${mirror}`;
    const isSameModel = owner !== undefined && model !== null && owner.model === model;
    if (owner === undefined || (!isSameModel && pairs.has(pair))) return [];
    // Two mirrors of one model have one line table too, which is no second problem.
    pairs.add(pair);
    const place = `${pathText(owner.path)} on line ${yaml.lineOf(owner.path)}`;
    return [
      problem(
        path,
        isSameModel
          ? `expected a model of no other mirror; ${model} is ${place} too`
          : `expected a model with tables of its own; ${table} is a table of ${place} too`,
      ),
    ];
  });
}

/** The tables that a mirror would have. */
function claimsOf(mirror: string, { model, lines }: LenientMirror): Claim[] {
  if (model === undefined) return [];
  const { header, line, audit } = tableNames({ name: mirror, model, lineModel: lines ?? null });
  const path = ['mirrors', mirror, 'model'];
  return [
    { mirror, path, model, table: header },
    lines === undefined
      ? { mirror, path, model: null, table: line }
      : { mirror, path: ['mirrors', mirror, 'lines'], model: lines, table: line },
    { mirror, path, model: null, table: audit },
  ];
}
