import { describe, expect, it } from 'vitest';
import { OdooAuthError, OdooTimeoutError } from '../../../src/odoo/errors.ts';
import { odooDateTime } from '../../../src/odoo/fields.ts';
import { canonicalJson } from '../../../src/shared/canonical-json.ts';
import { isRetryable } from '../../../src/sync/error-policy.ts';
import { windowStart } from '../../../src/sync/planning/run-mode.ts';
import { fieldChanges } from '../../../src/sync/store/audit-diff.ts';
import { contentHash } from '../../../src/sync/store/content-hash.ts';
import { prepare } from '../../../src/sync/store/normalize.ts';

describe('the content hash', () => {
  it('does not depend on the order of keys, at any depth', () => {
    expect(contentHash({ id: 1, a: { x: 1, y: 2 } })).toBe(contentHash({ a: { y: 2, x: 1 }, id: 1 }));
  });

  it('leaves out what a save without an edit moves', () => {
    const before = { id: 1, write_date: '2026-01-01 00:00:00', write_uid: [1, 'A'], __last_update: 'x' };
    expect(contentHash(before)).toBe(
      contentHash({ id: 1, write_date: '2026-02-02 00:00:00', write_uid: [2, 'B'] }),
    );
  });

  it('distinguishes false from zero, empty text and null, and the order of a list', () => {
    const values = [false, 0, '', null, [1, 2], [2, 1]];
    expect(new Set(values.map((value) => contentHash({ id: 1, value }))).size).toBe(values.length);
  });

  it('survives the way through jsonb', () => {
    for (const value of [0.1, 1e21, 12345678901234, -0, 'é\u2028🚚']) {
      expect(canonicalJson(JSON.parse(JSON.stringify(value)))).toBe(canonicalJson(value));
    }
  });
});

describe('the difference of two records', () => {
  it('names fields that came, went and changed, and no other', () => {
    expect(
      fieldChanges(
        { id: 1, same: [1, 'x'], gone: 2, old: 'a' },
        { id: 1, same: [1, 'x'], old: 'b', new: true },
        [],
      ),
    ).toEqual({
      gone: { old: 2, new: null },
      old: { old: 'a', new: 'b' },
      new: { old: null, new: true },
    });
  });
});

describe('the window', () => {
  it('reaches back by the overlap, in whole seconds of UTC, rounded down', () => {
    const last = new Date('2026-03-29T01:00:00.999Z');
    expect(odooDateTime(windowStart(last, new Date('2026-03-29T02:00:00Z'), 600_000, null))).toBe(
      '2026-03-29 00:50:00',
    );
  });

  it('reaches back from now when the clock of Odoo was set back', () => {
    const last = new Date('2026-03-29T05:00:00Z');
    expect(odooDateTime(windowStart(last, new Date('2026-03-29T01:00:00Z'), 600_000, null))).toBe(
      '2026-03-29 00:50:00',
    );
  });

  it('begins after the last known change when the clock of the times is ahead of the one of the changes', () => {
    const seenUntil = new Date('2026-03-29T01:46:00Z');
    const [last, now] = [new Date('2026-03-29T02:00:00Z'), new Date('2026-03-29T02:01:00Z')];
    expect(odooDateTime(windowStart(last, now, 600_000, seenUntil))).toBe('2026-03-29 01:46:01');
    expect(odooDateTime(windowStart(last, now, 1_200_000, seenUntil))).toBe('2026-03-29 01:40:00');
  });
});

describe('preparing a record', () => {
  it('names model, record and field of a date it cannot read', () => {
    expect(() => prepare('dimagaz.bc', { id: 7, write_date: '31/12/2026' }, {})).toThrow(
      /dimagaz\.bc 7: write_date .*31\/12\/2026/,
    );
  });

  it('takes a model without access log', () => {
    expect(prepare('dimagaz.bc', { id: 7, write_date: false }, {})).toMatchObject({
      writeDate: null,
      createDate: null,
    });
  });
});

describe('another try', () => {
  const postgres = (code: string) =>
    new Error('Failed query', { cause: Object.assign(new Error('x'), { code, severity: 'ERROR' }) });

  it.each([
    ['a timeout of Odoo', new OdooTimeoutError({ target: 'x', call: 'read', user: 'bot' }, 30_000), true],
    ['a lost PostgreSQL connection', postgres('57P01'), true],
    ['a deadlock', postgres('40P01'), true],
    ['a lock that was not given in time', postgres('55P03'), true],
    ['a session that was idle in a transaction', postgres('25P03'), true],
    ['a value PostgreSQL refuses', postgres('22P02'), false],
    ['a constraint', postgres('23514'), false],
    [
      'a broken pipe',
      new Error('Failed query', { cause: Object.assign(new Error('x'), { code: 'EPIPE' }) }),
      true,
    ],
    ['a socket error', Object.assign(new Error('x'), { code: 'ECONNRESET' }), true],
  ])('is decided for %s', (_name, error, worth) => {
    expect(isRetryable(error)).toBe(worth);
  });

  it('is never worth it for a wrong password', () => {
    expect(isRetryable(new OdooAuthError({ target: 'x', call: 'authenticate', user: 'bot' }))).toBe(false);
  });
});
