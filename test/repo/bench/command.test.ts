import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { BenchCommand } from '../../../bench/reporting/command.ts';
import { chosen, exitCode, wholeNumber } from '../../../bench/reporting/command.ts';
import type { Figure } from '../../../bench/reporting/figures.ts';
import { figure, section } from './figures.ts';

const said = { out: '', complaint: '' };
beforeEach(() => {
  Object.assign(said, { out: '', complaint: '' });
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    said.out += String(text);
    return true;
  });
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    said.complaint += String(text);
    return true;
  });
});
afterEach(() => {
  vi.restoreAllMocks();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.removeAllListeners(signal);
});

const measuring = (measure: () => readonly Figure[]): BenchCommand<number> => ({
  script: 'bench',
  help: 'how to use it\n',
  flags: { rounds: { type: 'string', default: '5' } },
  read: (given) => wholeNumber(given, 'rounds', 1, 100),
  measure: async function* (rounds) {
    yield section(measure(), { rounds });
  },
});
const MET = figure({ is: 'at most', ratio: 1.3 });
const MISSED = figure({ is: 'at most', ratio: 1.15 });

it('ends with 0 when every target is met, the table on standard output', async () => {
  expect(
    await exitCode(
      measuring(() => [MET, figure(null)]),
      [],
    ),
  ).toBe(0);
  expect(said.out).toContain('First full sync');
  expect(said.complaint).toBe('');
});

it('ends with 1 when one is missed, and says which', async () => {
  expect(
    await exitCode(
      measuring(() => [MET, MISSED]),
      [],
    ),
  ).toBe(1);
  expect(said.complaint).toBe(
    'Target missed. sandbox: First full sync: Passerelle is at 1.2 × of bare fetch, the target is at most 1.15 ×.\n',
  );
});

it('ends with 1 when it cannot measure, and says why', async () => {
  const broken = measuring(() => {
    throw new Error('the server is gone');
  });
  expect(await exitCode(broken, [])).toBe(1);
  expect(said.complaint).toBe('the server is gone\n');
});

it.each([
  [['--rounds', 'many'], '--rounds: expected a whole number from 1 to 100'],
  [['--rounds', '0'], '--rounds: expected a whole number from 1 to 100'],
  [['--loud'], "Unknown option '--loud'"],
])('ends with 2 and the expected form after %j, and measures nothing', async (args, complaint) => {
  const measure = vi.fn(() => []);
  expect(await exitCode(measuring(measure), args)).toBe(2);
  expect(said.complaint).toContain(complaint);
  expect(said.complaint).toContain('See npm run bench -- --help');
  expect(measure).not.toHaveBeenCalled();
});

it('explains itself, whatever else is wrong', async () => {
  expect(
    await exitCode(
      measuring(() => [MISSED]),
      ['--help', '--rounds', 'many'],
    ),
  ).toBe(0);
  expect(said.out).toBe('how to use it\n');
});

it('prints one JSON object and nothing else', async () => {
  expect(
    await exitCode(
      measuring(() => [MISSED]),
      ['--json', '--rounds', '7'],
    ),
  ).toBe(1);
  expect(JSON.parse(said.out)).toMatchObject({
    sections: [{ rounds: 7, figures: [{ ratio: 1.2, met: false, ours: { values: [11, 12, 14] } }] }],
  });
});

it('takes some names of those that are known, in their order, and all where none is given', () => {
  const known = ['sync', 'api', 'gateway'] as const;
  expect(chosen({ only: 'gateway,sync' }, 'only', known)).toEqual(['sync', 'gateway']);
  expect(chosen({}, 'only', known)).toEqual(known);
  for (const only of ['', 'sync,', 'sink']) {
    expect(() => chosen({ only }, 'only', known)).toThrow('--only: expected some of sync,api,gateway');
  }
});
