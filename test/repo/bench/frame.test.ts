import { describe, expect, it } from 'vitest';
import { chart } from '../../../bench/reporting/chart.ts';
import { missedTargets, numberText, takeTurns } from '../../../bench/reporting/figures.ts';
import { conditions, markdownTable, textTable } from '../../../bench/reporting/tables.ts';
import { figure, section } from './figures.ts';

const MISSED = figure({ is: 'at most', ratio: 1.15 });
const MET = figure({ is: 'at most', ratio: 1.3 });
const HOSTILE = '<script>&"|';

describe('the contenders', () => {
  it('take turns, every second round backwards, and each keeps its own results', async () => {
    const order: string[] = [];
    const one = (name: string) => async () => order.push(name);
    const reporter = async () => ({ after: order.join('') });
    const [a, b] = await takeTurns(3, [one('a'), reporter] as const);
    expect(order.join('')).toBe('aaa');
    expect(a).toEqual([1, 2, 3]);
    expect(b).toEqual([{ after: 'a' }, { after: 'a' }, { after: 'aaa' }]);
  });
});

describe('the tables', () => {
  it('show medians, the range, the ratio, the target, and whether it is met', () => {
    const row =
      '| First full sync | 12 s (11–14) | bare fetch: 10 s (9–10.5) | 1.20 × | at most 1.15 × | NO |';
    expect(markdownTable([MISSED, MET]).split('\n')).toEqual([
      '|  | Passerelle | beside | ratio | target | met |',
      '| --- | ---: | --- | ---: | --- | --- |',
      row,
      row.replace('1.15 × | NO', '1.30 × | yes'),
    ]);
  });

  it('leave empty what a figure has not', () => {
    const alone = figure(null, { beside: null, ours: { name: 'Passerelle', values: [4] }, unit: 'calls' });
    expect(markdownTable([alone]).split('\n').at(-1)).toBe('| First full sync | 4 calls |  |  |  |  |');
  });

  it('let no name break a cell or begin an element', () => {
    const last = markdownTable([figure(null, { title: HOSTILE })])
      .split('\n')
      .at(-1);
    expect(last).toContain('| &lt;script>&amp;"\\| |');
  });

  it('line up in the terminal, under their conditions', () => {
    const lines = textTable(section([MISSED, figure(null, { title: 'A' })])).split('\n');
    expect(lines[1]).toBe(
      'sync: sandbox; 10,000 BC; medians of 3 rounds (least–most). 2026-01-31; 2 × CPU; PostgreSQL 18.4',
    );
    const [headings = '', , first = '', second = ''] = lines.slice(3);
    const column = headings.indexOf('beside');
    expect([first, second].map((line) => line.indexOf('bare fetch'))).toEqual([column, column]);
  });

  it('say when there was but one round', () => {
    expect(conditions(section([], { rounds: 1 }))).toContain('measured once');
  });

  it('write numbers with the digits that say something', () => {
    expect([1234.5, 123.45, 12.345, 1.2345, 0.12345, 0.012345, 7, 0].map(numberText)).toEqual([
      ...['1,235', '123', '12.3', '1.23', '0.12', '0.012', '7', '0'],
    ]);
  });
});

describe('a missed target', () => {
  it('is reported in one sentence with both ratios, and others are not', () => {
    const rate = { is: 'at least', ratio: 20 } as const;
    expect(missedTargets([section([MISSED, MET, figure(null)]), section([figure(rate)])])).toEqual([
      'sandbox: First full sync: Passerelle is at 1.2 × of bare fetch, the target is at most 1.15 ×.',
      'sandbox: First full sync: Passerelle is at 1.2 × of bare fetch, the target is at least 20 ×.',
    ]);
  });

  it('shows by how little it is missed', () => {
    const close = figure({ is: 'at most', ratio: 1.199 });
    expect(missedTargets([section([close])])[0]).toContain('at 1.2 × of');
    const closer = figure({ is: 'at most', ratio: 1.3 }, { ours: { name: 'Passerelle', values: [13.01] } });
    expect(missedTargets([section([closer])])[0]).toContain(
      'at 1.301 × of bare fetch, the target is at most 1.30 ×',
    );
  });

  it('is also a figure that was not measured', () => {
    const empty = figure({ is: 'at most', ratio: 1.15 }, { ours: { name: 'Passerelle', values: [] } });
    expect(missedTargets([section([empty])])).toEqual(['sandbox: First full sync: it was not measured.']);
  });
});

describe('the chart', () => {
  const svg = chart(section([MISSED, figure(null, { beside: null, title: HOSTILE })]));
  const widths = (kind: string) =>
    [...svg.matchAll(new RegExp(`class="${kind}" x="\\d+" y="\\d+" width="([\\d.]+)"`, 'g'))].map(
      ([, width]) => Number(width),
    );

  it('draws a bar as long as the median is large, and the longest value as the whole length', () => {
    expect(widths('ours')[0]).toBeCloseTo((12 / 14) * 400, 1);
    expect(widths('other')).toEqual([expect.closeTo((10 / 14) * 400, 1)]);
  });

  it('marks where the target is, and the least and the most', () => {
    expect(svg).toContain(`class="target" d="M${250 + Math.round((11.5 / 14) * 4000) / 10} `);
    expect(svg).toContain(`class="whisker" d="M${250 + Math.round((11 / 14) * 4000) / 10} `);
    expect(svg).toMatch(/class="whisker"[^/]*H650m/);
  });

  it('says the same in words, for those who cannot see it', () => {
    expect(svg).toMatch(/<svg [^>]*role="img" aria-labelledby="title description"/);
    expect(svg).toContain('<title id="title">Benchmark: sync, sandbox</title>');
    expect(svg).toContain(
      '<desc id="description">First full sync: 1.20 ×. Passerelle 12 s (11–14), bare fetch 10 s (9–10.5); target at most 1.15 ×.',
    );
  });

  it('follows a dark screen, runs nothing, and keeps names as text', () => {
    expect(svg).toContain('@media (prefers-color-scheme: dark)');
    expect(svg).not.toContain('<script');
    expect(svg).toContain('&lt;script&gt;&amp;&quot;|');
  });

  it('draws nothing of nothing measured, rather than a broken picture', () => {
    expect(
      chart(section([figure(null, { ours: { name: 'Passerelle', values: [0] }, beside: null })])),
    ).not.toMatch(/NaN|Infinity/);
  });
});
