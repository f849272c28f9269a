import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { parseEnv } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { askAt } from '../../../src/cli/ask.ts';
import { settingProblem, writeEnvFile } from '../../../src/config/index.ts';

describe('a question at a terminal', () => {
  const asking = () => {
    const input = new PassThrough();
    let shown = '';
    const ask = askAt(input, {
      write: (text) => {
        shown += text;
      },
    });
    return { input, ask, shown: () => shown };
  };

  it('shows a typed answer, but not a password', async () => {
    const { input, ask, shown } = asking();
    const name = ask('User: ');
    input.write('reader\n');
    expect(await name).toBe('reader');
    const password = ask('Password: ', { hidden: true });
    input.write(' pa#ss word \n');
    expect(await password).toBe(' pa#ss word ');
    expect(shown()).toContain('User: ');
    expect(shown()).toContain('reader');
    expect(shown()).toContain('Password: ');
    expect(shown()).not.toContain('pa#ss');
  });

  it.each([
    ['Ctrl-C', '\u0003'],
    ['Ctrl-D', '\u0004'],
  ])('is given up with %s', async (_key, typed) => {
    const { input, ask } = asking();
    const answer = ask('User: ');
    input.write(typed);
    await expect(answer).rejects.toMatchObject({ code: 'not_answered' });
  });
});

describe('settings that are written to .env', () => {
  let folder: string;
  let file: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'passerelle-env-'));
    file = join(folder, '.env');
  });
  afterEach(() => rm(folder, { recursive: true }));

  it.each(['plain', 'pa#ss word', `it's "quoted"`, '`tick` "and" quote', 'x\\n$y', ' blanks '])(
    'are read as they were typed: %j',
    async (value) => {
      writeEnvFile(file, { ODOO_PASSWORD: value });
      expect(parseEnv(await readFile(file, 'utf8'))).toEqual({ ODOO_PASSWORD: value });
      expect((await stat(file)).mode & 0o777).toBe(0o600);
    },
  );

  it('replace their lines, and leave every other line as it is', async () => {
    await writeFile(file, '# mine\nODOO_URL=\nODOO_DB=prod\nODOO_USER=former', { mode: 0o644 });
    const values = { ODOO_URL: 'https://odoo.example.com', ODOO_USER: 'reader', ODOO_PASSWORD: 'secret' };
    writeEnvFile(file, values);
    expect(await readFile(file, 'utf8')).toBe(
      '# mine\nODOO_URL=https://odoo.example.com\nODOO_DB=prod\nODOO_USER=reader\nODOO_PASSWORD=secret\n',
    );
    expect((await stat(file)).mode & 0o777).toBe(0o600);
  });

  it('are refused if no quotes fit', () => {
    expect(() => writeEnvFile(file, { ODOO_PASSWORD: `a'b"c\`d` })).toThrow(/cannot hold this value/);
  });

  it('are refused before with a reason', () => {
    expect(settingProblem('ODOO_URL', 'odoo.example.com')).toMatch(/write https:\/\/odoo\.example\.com/);
    expect(settingProblem('ODOO_URL', 'https://odoo.example.com')).toBeNull();
  });
});
