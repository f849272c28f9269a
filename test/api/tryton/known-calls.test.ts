import { describe, expect, it, vi } from 'vitest';
import { callBody, KnownCalls, validateBody } from '../../../src/api/routes/tryton/request.ts';
import { fromJson } from '../../../src/tryton/wire/json.ts';

const body = (id: number, text = '') =>
  JSON.stringify({ method: 'model.party.party.read', params: [[id], text] });

/** The call of a body, as the route reads and validates it. */
function received(known: KnownCalls, text: string, parse = fromJson): unknown {
  const validate = validateBody(known)({ schema: callBody, method: 'POST', url: '/' });
  const checked = validate(known.read(text, parse));
  if (typeof checked !== 'object' || !('value' in checked)) throw new Error('the body was refused');
  return checked.value;
}

describe('a body that was received before', () => {
  it('is parsed and validated once', () => {
    const known = new KnownCalls();
    const parse = vi.fn(fromJson);
    const first = received(known, body(1), parse);
    expect(received(known, body(1), parse)).toBe(first);
    expect(received(known, body(2), parse)).not.toBe(first);
    expect(parse).toHaveBeenCalledTimes(2);
  });

  it('is not remembered before it is validated', () => {
    const known = new KnownCalls();
    const data = known.read(body(1), fromJson);
    expect(known.has(data)).toBe(false);
    expect(known.read(body(1), fromJson)).not.toBe(data);
  });

  it('is not remembered if it is invalid', () => {
    const known = new KnownCalls();
    const invalid = JSON.stringify({ method: 'model.party.party.read', params: [], cash: true });
    expect(() => received(known, invalid)).toThrow('refused');
    expect(() => received(known, invalid)).toThrow('refused');
  });

  it.each(['model.res.user.write', 'common.db.login'])(
    'is not remembered if it calls %s: it may hold a secret',
    (method) => {
      const known = new KnownCalls();
      const text = JSON.stringify({ method, params: ['secret'] });
      expect(received(known, text)).not.toBe(received(known, text));
    },
  );

  it('is not remembered if it is long', () => {
    const known = new KnownCalls();
    const long = body(1, 'x'.repeat(1000));
    const first = received(known, long);
    expect(received(known, long)).not.toBe(first);
    expect(received(known, long)).toEqual(first);
  });

  it('is forgotten when a thousand others came later', () => {
    const known = new KnownCalls();
    const first = received(known, body(0));
    const last = Array.from({ length: 1000 }, (_, id) => received(known, body(id + 1))).at(-1);
    expect(received(known, body(1000))).toBe(last);
    expect(received(known, body(0))).not.toBe(first);
  });
});
