import { afterEach, describe, expect, test, vi } from 'vitest';
import type { Field } from '../../web/api/answers.ts';
import { boundsOf, type Operator, operatorsOf } from '../../web/pages/bc/list/local-days.ts';

afterEach(() => vi.unstubAllEnvs());

const bounds = (...tests: readonly (readonly [Operator, string])[]) =>
  Object.fromEntries(boundsOf(tests.map(([operator, value]) => ({ field: 'date_order', operator, value }))));

describe('a day of a browser in Paris', () => {
  test.each<[Operator, object]>([
    ['eq', { gte: '2026-01-30T23:00:00.000Z', lt: '2026-01-31T23:00:00.000Z' }],
    ['gte', { gte: '2026-01-30T23:00:00.000Z' }],
    ['lt', { lt: '2026-01-30T23:00:00.000Z' }],
    ['gt', { gte: '2026-01-31T23:00:00.000Z' }],
    ['lte', { lt: '2026-01-31T23:00:00.000Z' }],
  ])('by %s is asked for by its midnights', (operator, asked) => {
    vi.stubEnv('TZ', 'Europe/Paris');
    expect(bounds([operator, '2026-01-31'])).toEqual(asked);
  });

  test('has 23 hours in spring and 25 in autumn', () => {
    vi.stubEnv('TZ', 'Europe/Paris');
    const spring = { gte: '2026-03-28T23:00:00.000Z', lt: '2026-03-29T22:00:00.000Z' };
    expect(bounds(['eq', '2026-03-29'])).toEqual(spring);
    const autumn = { gte: '2026-10-24T22:00:00.000Z', lt: '2026-10-25T23:00:00.000Z' };
    expect(bounds(['eq', '2026-10-25'])).toEqual(autumn);
  });
});

test.each([
  ['has no midnight', 'Africa/Cairo', '2026-04-24', '2026-04-23T22:00:00.000Z', '2026-04-24T21:00:00.000Z'],
  ['has two', 'America/Havana', '2026-11-01', '2026-11-01T04:00:00.000Z', '2026-11-02T05:00:00.000Z'],
  ['never was', 'Pacific/Apia', '2011-12-30', '2011-12-30T10:00:00.000Z', '2011-12-30T10:00:00.000Z'],
])('a day that %s goes from its first moment to that of the next', (_what, zone, day, gte, lt) => {
  vi.stubEnv('TZ', zone);
  expect(bounds(['eq', day])).toEqual({ gte, lt });
});

test('of several bounds on one side the narrowest holds, in whichever order they came', () => {
  vi.stubEnv('TZ', 'UTC');
  const narrow = { gte: '2026-01-31T00:00:00.000Z', lt: '2026-02-01T00:00:00.000Z' };
  const day = ['eq', '2026-01-31'] as const;
  expect(bounds(['gte', '2026-01-01'], day, ['lt', '2026-03-01'])).toEqual(narrow);
  expect(bounds(['lte', '2026-03-01'], day, ['gt', '2026-01-01'])).toEqual(narrow);
});

test.each(['2026-02-30', '2026-01-31 08:00:00', 'soon', ''])(
  '%j is no day: it is left to the API',
  (text) => {
    expect(bounds(['eq', text])).toEqual({ eq: text });
  },
);

test('whether there is a value at all does not hang on a day', () => {
  expect(bounds(['null', 'true'])).toEqual({ null: 'true' });
});

test('of a datetime only what a day can answer is offered, of other fields everything', () => {
  const operators: Field['operators'] = ['eq', 'ne', 'gt', 'gte', 'lt', 'lte', 'in', 'like', 'null'];
  const field = (type: string) => ({ type, operators }) as Field;
  expect(operatorsOf(field('datetime'))).toEqual(['eq', 'gt', 'gte', 'lt', 'lte', 'null']);
  expect(operatorsOf(field('date'))).toEqual(operators);
});
