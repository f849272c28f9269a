import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { variables } from '../../src/config/schema.ts';
import { code, page, table } from './markdown.ts';

const EXAMPLE = resolve(import.meta.dirname, '../../.env.example');
type Name = keyof typeof variables;

interface Section {
  readonly title: string;
  /** Each variable with the text behind it: its default, or an example. */
  readonly values: readonly (readonly [Name, string])[];
}

/** Every variable by its section of `.env.example`, with the values that the schema accepts. */
export function configurationPage(): string {
  const intro =
    'Passerelle is set by the environment, or by a `.env` file in the working directory; a variable that is set wins, ' +
    'an empty one counts as not set. A missing or wrong one stops the process at once, with one message that lists ' +
    'every problem.';
  return page('Configuration', intro, readSections().map(sectionText));
}

/** The sections of `.env.example`, in order. */
export function readSections(): Section[] {
  const [, ...texts] = readFileSync(EXAMPLE, 'utf8').split(/^## /m);
  return texts.map((text) => ({
    title: text.slice(0, text.indexOf('\n')).trim(),
    values: [...text.matchAll(/^#? ?([A-Z][A-Z0-9_]+)=(.*)$/gm)].flatMap(([, name = '', value = '']) =>
      name in variables ? [[name as Name, value] as const] : [],
    ),
  }));
}

function sectionText({ title, values }: Section): string {
  const rows = values.map(([name, value]) => [
    code(name),
    meaning(name),
    accepted(name),
    standing(name, value),
  ]);
  return `## ${title}\n\n${table(['variable', 'meaning', 'accepts', 'default'], rows)}`;
}

const meaning = (name: Name): string => variables[name].description ?? '';

/** The error of the schema for an invalid text. */
function accepted(name: Name): string {
  const tried = variables[name].safeParse('\0');
  return tried.success ? 'a text' : (tried.error.issues[0]?.message ?? '');
}

function standing(name: Name, value: string): string {
  const unset = variables[name].safeParse(undefined);
  if (!unset.success) return '**required**';
  return unset.data === undefined ? 'not set' : code(defaultText(name, value));
}

/** The form in the environment: the text of the example if it means the default. */
function defaultText(name: Name, value: string): string {
  const [unset, shown] = [undefined, value].map((text) => variables[name].safeParse(text).data);
  return JSON.stringify(unset) === JSON.stringify(shown) ? value : JSON.stringify(unset);
}
