import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readSections } from '../../dev/docs/configuration.ts';
import { errorsIn } from '../../dev/docs/errors.ts';
import { PAGES } from '../../dev/docs/pages.ts';
import { variables } from '../../src/config/schema.ts';

const ROOT = resolve(import.meta.dirname, '../..');

describe('the reference made from the code', () => {
  it.each(Object.keys(PAGES))('%s is what `npm run docs` writes today', async (path) => {
    expect(readFileSync(join(ROOT, path), 'utf8')).toBe(await PAGES[path]?.());
  });

  it('has every variable, in some section of .env.example', () => {
    const documented = readSections().flatMap(({ names }) => names);
    expect(documented.sort()).toEqual(Object.keys(variables).sort());
  });

  it("has every error code of the product's classes", () => {
    const page = readFileSync(join(ROOT, 'docs/reference/errors.md'), 'utf8');
    for (const code of ['odoo_timeout', 'tryton_bad_credentials', 'worker_died', 'bad_cursor']) {
      expect(page).toContain(`| \`${code}\` |`);
    }
  });

  it('has the meaning of an error from its comment or message, and what to do from @fix', () => {
    const source = (comment: string) =>
      `${comment}class LostError extends BaseError {\n  readonly code = 'lost';\n  constructor() {\n    super('It is lost.');\n  }\n}\n`;
    const fix = 'Search.';
    expect(errorsIn(source('/** @fix Search. */\n'))).toEqual([
      { code: 'lost', meaning: 'It is lost.', fix },
    ]);
    expect(errorsIn(source('/**\n * Gone.\n *\n * @fix Search.\n */\n'))).toEqual([
      { code: 'lost', meaning: 'Gone.', fix },
    ]);
    expect(() => errorsIn(source('/** Gone. */\n'))).toThrow('LostError (lost): add @fix');
    expect(() => errorsIn(source(''))).toThrow('LostError (lost): add @fix');
  });
});
