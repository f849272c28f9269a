import { describe, expect, it, vi } from 'vitest';
import { KnownCalls } from '../../../src/api/routes/tryton/request.ts';
import { fromJson } from '../../../src/tryton/wire/json.ts';

const body = (id: number, text = '') =>
  JSON.stringify({ method: 'model.party.party.read', params: [[id], text] });
/** As the route does it: read, then checked, then remembered. */
const asked = (known: KnownCalls, text: string, parse = fromJson) => {
  const data = known.read(text, parse);
  if (known.has(data)) return data;
  if (typeof data !== 'object' || data === null) throw new Error('no call');
  return known.keep(data, { method: 'model.party.party.read', params: [], ...data });
};

describe('a body that came before', () => {
  it('is parsed and checked once: the same call object is returned', () => {
    const known = new KnownCalls();
    const parse = vi.fn(fromJson);
    const first = asked(known, body(1), parse);
    expect(asked(known, body(1), parse)).toBe(first);
    expect(asked(known, body(2), parse)).not.toBe(first);
    expect(parse).toHaveBeenCalledTimes(2);
  });

  it('is not remembered before it was checked', () => {
    const known = new KnownCalls();
    const data = known.read(body(1), fromJson);
    expect(known.has(data)).toBe(false);
    expect(known.read(body(1), fromJson)).not.toBe(data);
  });

  it('is remembered only for a read: a write or a login may contain a secret', () => {
    const known = new KnownCalls();
    for (const method of ['model.res.user.write', 'common.db.login']) {
      const text = JSON.stringify({ method, params: ['secret'] });
      expect(asked(known, text)).not.toBe(asked(known, text));
    }
  });

  it('is not remembered when it is long', () => {
    const known = new KnownCalls();
    const long = body(1, 'x'.repeat(1000));
    const first = asked(known, long);
    expect(asked(known, long)).not.toBe(first);
    expect(asked(known, long)).toEqual(first);
  });

  it('makes room for others, the oldest first', () => {
    const known = new KnownCalls();
    const first = asked(known, body(0));
    const last = Array.from({ length: 1000 }, (_, id) => asked(known, body(id + 1))).at(-1);
    expect(asked(known, body(1000))).toBe(last);
    expect(asked(known, body(0))).not.toBe(first);
  });
});
