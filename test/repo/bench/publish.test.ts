import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { checkReadme, publish } from '../../../bench/reporting/publish.ts';
import { figure, section } from './figures.ts';

const README = '# It\n<!-- bench:begin -->\nold\n<!-- bench:end -->\nafter\n';
const TARGET = { is: 'at most', ratio: 1.15 } as const;
/** One of the most important figures. */
const HEADLINE = { id: 'gateway.hit' };

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'passerelle-publish-'));
  await writeFile(join(root, 'README.md'), README);
});
afterEach(() => rm(root, { recursive: true }));

const read = (file: string) => readFile(join(root, file), 'utf8');

it('writes one sentence between the marks of the README, and nothing else of it', async () => {
  await publish(root, [
    section([
      figure(TARGET, HEADLINE),
      figure(TARGET, { title: 'One of many', id: 'live.json2.first.naive' }),
      figure(null, { title: 'For information' }),
    ]),
  ]);
  expect(await read('README.md')).toBe(
    '# It\n<!-- bench:begin -->\nA first full sync of a real sandbox copies 12 BCs per second, 1.20 × the speed of a ' +
      'script that reads one BC after another. 0 of 2 figures meet their target: [all figures](docs/bench/figures.md).\n' +
      '<!-- bench:end -->\nafter\n',
  );
});

it('begins the page of all figures with the most important ones', async () => {
  await publish(root, [
    section([
      figure(TARGET, HEADLINE),
      figure(TARGET, { title: 'One of many' }),
      figure(null, { title: 'Other' }),
    ]),
  ]);
  const [, first = '', all = ''] = (await read('docs/bench/figures.md')).split(/^## /m);
  expect(first).toContain('| First full sync | 12 s (11–14) |');
  expect(first).toContain('(1) sandbox; 10,000 BC; medians of 3 rounds');
  expect(first).not.toMatch(/One of many|Other/);
  expect(all).toMatch(/\| One of many \|.*\| Other \|/s);
});

it('gives the same files when it is written again', async () => {
  const files = await publish(root, [section([figure(TARGET)])]);
  const before = await Promise.all(files.map(read));
  await publish(root, [section([figure(TARGET)])]);
  expect(await Promise.all(files.map(read))).toEqual(before);
});

it('replaces repeated measurements, and keeps the others', async () => {
  const title = (text: string, id = HEADLINE.id) => [figure(TARGET, { title: text, id })];
  const real = section(title('real before', 'incremental.run'), { on: 'Odoo 19.0' });
  await publish(root, [section(title('sync before')), real]);
  await publish(root, [section(title('sync after')), section(title('api'), { name: 'api' })]);
  const page = await read('docs/bench/figures.md');
  const [, readme = ''] = page.split(/^## /m);
  for (const there of ['sync after', 'real before', 'api']) expect(readme).toContain(`| ${there} |`);
  expect(readme).toMatch(/\| real before \|.*\| Odoo 19\.0 \((\d)\) \|.*\(\1\) Odoo 19\.0;/s);
  expect(page).not.toContain('sync before');
  expect((await readdir(join(root, 'docs/bench'))).sort()).toEqual([
    ...['figures.md', 'odoo-19.0-sync.svg', 'results.json', 'sandbox-api.svg', 'sandbox-sync.svg'],
  ]);
});

it('keeps every value for programs, with what follows from them', async () => {
  await publish(root, [section([figure(TARGET)])]);
  const { sections } = JSON.parse(await read('docs/bench/results.json'));
  expect(sections[0]).toMatchObject({ machine: '2 × CPU', servers: { PostgreSQL: '18.4' }, rounds: 3 });
  expect(sections[0].figures[0]).toMatchObject({
    id: 'sync.first.bare',
    ours: { values: [11, 12, 14] },
    medians: { ours: 12, beside: 10 },
    ratio: 1.2,
    met: false,
  });
});

it.each(['no marks', '<!-- bench:end -->\n<!-- bench:begin -->'])(
  'refuses a README with %j',
  async (text) => {
    await writeFile(join(root, 'README.md'), text);
    await expect(checkReadme(root)).rejects.toMatchObject({ code: 'no_place_for_figures' });
    await expect(publish(root, [])).rejects.toThrow('README.md has no "<!-- bench:begin -->"');
    expect(await read('README.md')).toBe(text);
  },
);
