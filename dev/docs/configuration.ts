import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { effectiveVariables } from '../../src/config/index.ts';
import { variables } from '../../src/config/schema.ts';
import { code, page, table } from './markdown.ts';

const EXAMPLE = resolve(import.meta.dirname, '../../.env.example');
type Name = keyof typeof variables;

interface Section {
  /** As in `.env.example`: `## Advanced`, `### Odoo`. */
  readonly heading: string;
  readonly names: readonly Name[];
}

/** Every variable by its section of `.env.example`, with the values that the schema accepts. */
export function configurationPage(): string {
  const intro =
    'Settings come from the environment, and from the `.env` file of the directory where a process or command is ' +
    'started. A variable of the environment wins; an empty one counts as not set. A missing or wrong one stops the ' +
    'process at once, with one message that lists every problem with the rejected value and its origin. Names and ' +
    'lines of `.env` that are probably mistakes are reported at the start. `npx passerelle config` prints the settings ' +
    'in effect, without secrets.';
  return page('Configuration', intro, readSections().map(sectionText));
}

/** The sections of `.env.example`, in order. */
export function readSections(): Section[] {
  return readFileSync(EXAMPLE, 'utf8')
    .split(/^(?=##)/m)
    .slice(1)
    .map((text) => ({
      heading: text.slice(0, text.indexOf('\n')).trim(),
      names: [...text.matchAll(/^#? ?([A-Z][A-Z0-9_]+)=/gm)].flatMap(([, name = '']) =>
        name in variables ? [name as Name] : [],
      ),
    }));
}

const defaults = new Map(effectiveVariables({}).map(({ name, value }) => [name, value]));

function sectionText({ heading, names }: Section): string {
  if (names.length === 0) return heading;
  const rows = names.map((name) => [code(name), meaning(name), accepted(name), standing(name)]);
  return `${heading}\n\n${table(['variable', 'meaning', 'accepts', 'default'], rows)}`;
}

const meaning = (name: Name): string => variables[name].description ?? '';

/** The error of the schema for an invalid text. */
function accepted(name: Name): string {
  const tried = variables[name].safeParse('\0');
  return tried.success ? 'a text' : (tried.error.issues[0]?.message ?? '');
}

function standing(name: Name): string {
  const value = defaults.get(name) ?? null;
  if (value !== null) return code(value);
  return variables[name].safeParse(undefined).success ? 'not set' : '**required**';
}
