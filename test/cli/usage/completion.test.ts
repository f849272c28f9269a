import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { passerelle } from '../passerelle.ts';

const SHELLS = ['bash', 'zsh', 'fish'];
const script = async (shell: string) => (await passerelle(['completion', shell], {})).stdout;

/** The words that bash offers for a command line; the last one is not finished. */
async function offered(...words: string[]): Promise<string[]> {
  const line = ['passerelle', ...words].map((word) => `'${word}'`).join(' ');
  const run = `COMP_WORDS=(${line}); COMP_CWORD=${words.length}; _passerelle; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const answer = execFileSync('bash', ['-c', `${await script('bash')}\n${run}`], { encoding: 'utf8' });
  return answer.split('\n').filter((word) => word !== '');
}

test('bash offers commands, their subcommands, options and choices', async () => {
  expect(await offered('fail')).toEqual(['failures']);
  expect(await offered('keys', '')).toEqual(expect.arrayContaining(['create', 'list', 'revoke']));
  expect(await offered('keys', 'create', '--sc')).toEqual(['--scope']);
  expect(await offered('keys', 'create', '--name', 'sync', '--ex')).toEqual(['--expires']);
  expect(await offered('runs', '--json', '--mode', '')).toEqual(['incremental', 'full', 'single', 'sweep']);
  expect(await offered('completion', 'z')).toEqual(['zsh']);
  expect(await offered('runs', '--limit', '')).toEqual([]);
});

test('the script of each shell contains every command and every option', async () => {
  const reference = readFileSync(new URL('../../../docs/reference/commands.md', import.meta.url), 'utf8');
  const commands = [...reference.matchAll(/^## passerelle (.+)$/gm)].map(([, words = '']) => words);
  const options = [...reference.matchAll(/^ {2}(?:-\w, )?(--[\w-]+)/gm)].map(([, option = '']) => option);
  expect(commands).toContain('keys create');
  for (const shell of SHELLS) {
    const text = await script(shell);
    for (const command of commands) expect(text).toMatch(new RegExp(`['"]${command}['"]`));
    for (const option of options)
      expect(text).toContain(shell === 'fish' ? `-l ${option.slice(2)} ` : option);
  }
});

test.each(SHELLS)('%s accepts the script, if it is installed', async (shell) => {
  const { error, status, stderr } = spawnSync(shell, ['-n'], {
    input: await script(shell),
    encoding: 'utf8',
  });
  if (error === undefined) expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  else expect(error).toMatchObject({ code: 'ENOENT' });
});

test('another shell is bad usage', async () => {
  expect(await passerelle(['completion', 'tcsh'], {})).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('Allowed choices are bash, zsh, fish'),
  });
});
