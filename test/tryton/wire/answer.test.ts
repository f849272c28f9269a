import { describe, expect, it } from 'vitest';
import { createRedactor } from '../../../src/shared/redact.ts';
import { readAnswer } from '../../../src/tryton/rpc/response.ts';
import type { HttpAnswer, RequestDetails } from '../../../src/tryton/types.ts';
import { page } from '../client/scripted-server.ts';

const PASSWORD = 's3cret-value';

const asked: RequestDetails = {
  site: { server: 'http://erp/tryton/', method: 'model.party.party.read' },
  write: false,
  id: 5,
  kind: 'call',
  hide: createRedactor([PASSWORD, 'key-1']),
};
const writing: RequestDetails = { ...asked, write: true };

function http(text: string, { status = 200, headers = {} as Record<string, string> } = {}): HttpAnswer {
  return { status, header: (name) => headers[name], text };
}
const html = (status: number, words?: string, headers: Record<string, string> = {}) => {
  const { body, headers: own } = page(status, words);
  return http(`${body}`, { status, headers: { ...own, ...headers } });
};
const error = (...parts: unknown[]) => http(JSON.stringify({ id: 5, error: parts }));

function thrown(of: RequestDetails, answer: HttpAnswer): Error & { code?: string } {
  try {
    readAnswer(of, answer);
  } catch (failure) {
    if (failure instanceof Error) return failure;
  }
  return expect.fail('nothing was thrown');
}

describe('a result', () => {
  it.each([
    ['in its envelope', '{"id":5,"result":[1,2]}', [1, 2]],
    ['null', '{"id":5,"result":null}', null],
    ['with an empty error beside', '{"id":5,"result":3,"error":null}', 3],
    ['not finite', '{"id":5,"result":NaN}', Number.NaN],
    ['that is a bare list', '[1,2]', [1, 2]],
    ['that is a bare text', '"7.0.30"', '7.0.30'],
    ['that is a bare number', '24', 24],
    ['that is a bare null', 'null', null],
    ['that is a bare object', '{"name":"x"}', { name: 'x' }],
  ])('%s is understood', (_, text, result) => {
    expect(readAnswer(asked, http(text))).toEqual({ result, cacheSeconds: null });
  });

  it.each([
    ['86400', 86_400],
    ['0', 0],
    ['soon', null],
    ['-1', null],
  ])('may be kept for as long as X-Tryton-Cache says: %s', (header, cacheSeconds) => {
    const headers = { 'x-tryton-cache': header };
    expect(readAnswer(asked, http('{"id":5,"result":1}', { headers }))).toEqual({ result: 1, cacheSeconds });
  });
});

describe('an error of Tryton', () => {
  it.each([
    [
      'a user error',
      ['UserError', ['Not so.', 'Because.', null]],
      { code: 'tryton_user_error', detail: 'Not so.', description: 'Because.' },
    ],
    ['a user error of 5.0', ['UserError', ['Not so.', '']], { detail: 'Not so.', description: '' }],
    [
      'a warning',
      ['UserWarning', ['party_1', 'Sure?', 'Really.']],
      { code: 'tryton_user_warning', warning: 'party_1', detail: 'Sure?', description: 'Really.' },
    ],
    ['a concurrent change', ['ConcurrencyException', 'Record 1'], { code: 'tryton_concurrency' }],
    ['a login that wants more', ['LoginException', ['sms', 'Code?', 'char']], { code: 'tryton_login_step' }],
    [
      'a login that wants the password',
      ['LoginException', ['password', 'P?', 'password']],
      { code: 'tryton_bad_credentials' },
    ],
    [
      '7.0 without the database',
      ["'NoneType' object has no attribute 'put_connection'", ''],
      { code: 'tryton_unknown_database' },
    ],
    [
      '6.0 without the database',
      ['connection to server at "h", port 1 failed: FATAL:  database "x" does not exist\n', ''],
      { code: 'tryton_unknown_database' },
    ],
    [
      '5.0 without the database',
      ['FATAL:  database "x" does not exist\n', 'Traceback'],
      { code: 'tryton_unknown_database' },
    ],
    [
      'any other',
      ["'nope.nope'", ''],
      { code: 'tryton_error', message: expect.stringContaining("'nope.nope'") },
    ],
    ['one without words', [], { code: 'tryton_error' }],
  ])('is told by its kind: %s', (_, parts, expected) => {
    expect(thrown(asked, error(...parts))).toMatchObject(expected);
    expect(thrown(writing, error(...parts))).toMatchObject(expected);
  });

  it('is recognised by words that hold the password too', () => {
    const of = { ...asked, hide: createRedactor(['x']) };
    expect(thrown(of, error('FATAL:  database "x" does not exist'))).toMatchObject({
      code: 'tryton_unknown_database',
    });
  });

  it('shows one line of at most 300 characters and never the traceback', () => {
    const { message } = thrown(
      asked,
      error(`${'long '.repeat(100)}\nsecond line`, 'Traceback (most recent call last)'),
    );
    expect(message).not.toMatch(/second line|Traceback/);
    expect(message.length).toBeLessThan(420);
  });

  it.each([
    ['an error', error(`no ${PASSWORD} for key-1`)],
    ['a user error', error('UserError', [`no ${PASSWORD}`, 'key-1'])],
    ['a warning', error('UserWarning', ['key-1', PASSWORD, ''])],
    ['a page', html(400, `no ${PASSWORD} for key-1`)],
    ['a web page', html(200, `no ${PASSWORD} for key-1`)],
    ['an unknown status', html(418, `no ${PASSWORD} for key-1`)],
  ])('has the password and the session key replaced: %s', (_, answer) => {
    const failure = thrown(asked, answer);
    expect(JSON.stringify([failure.message, failure])).toContain('***');
    expect(JSON.stringify([failure.message, failure.stack, failure])).not.toMatch(/s3cret|key-1/);
  });

  it('is read from its envelope whatever the status', () => {
    const answer = http('{"id":5,"error":["UserError",["Not so.",""]]}', { status: 400 });
    expect(thrown(writing, answer)).toMatchObject({ code: 'tryton_user_error' });
  });
});

describe('a status', () => {
  it.each([
    [400, 'tryton_error', 'tryton_error'],
    [401, 'tryton_session_refused', 'tryton_session_refused'],
    [403, 'tryton_method_not_allowed', 'tryton_method_not_allowed'],
    [404, 'tryton_unknown_database', 'tryton_unknown_database'],
    [405, 'tryton_malformed_answer', 'tryton_malformed_answer'],
    [408, 'tryton_unavailable', 'tryton_unknown_fate'],
    [409, 'tryton_user_warning', 'tryton_user_warning'],
    [413, 'tryton_bad_request', 'tryton_bad_request'],
    [423, 'tryton_concurrency', 'tryton_concurrency'],
    [429, 'tryton_rate_limited', 'tryton_rate_limited'],
    [500, 'tryton_error', 'tryton_unknown_fate'],
    [501, 'tryton_malformed_answer', 'tryton_unknown_fate'],
    [502, 'tryton_unavailable', 'tryton_unknown_fate'],
    [503, 'tryton_unavailable', 'tryton_unknown_fate'],
    [504, 'tryton_unavailable', 'tryton_unknown_fate'],
    [204, 'tryton_malformed_answer', 'tryton_unknown_fate'],
  ])('%d is %s for a read and %s for a write', (status, read, write) => {
    expect(thrown(asked, html(status))).toMatchObject({ code: read });
    expect(thrown(writing, html(status))).toMatchObject({ code: write });
  });

  it.each([
    ['login', undefined, 300],
    ['call', undefined, 60],
    ['login', '7', 7],
    ['call', '7', 7],
  ] as const)('429 to a %s with Retry-After %s means to wait %d s', (kind, after, seconds) => {
    const answer = html(429, 'x', after === undefined ? {} : { 'retry-after': after });
    expect(thrown({ ...asked, kind }, answer)).toMatchObject({ code: 'tryton_rate_limited', seconds });
  });

  it('401 to a login is a wrong password; at the root it is not about Tryton', () => {
    expect(thrown({ ...writing, kind: 'login' }, html(401))).toMatchObject({
      code: 'tryton_bad_credentials',
    });
    expect(thrown({ ...asked, kind: 'root' }, html(401))).toMatchObject({ code: 'tryton_malformed_answer' });
    expect(thrown({ ...asked, kind: 'root' }, html(404))).toMatchObject({ code: 'tryton_malformed_answer' });
  });

  it('of a redirect names where to, without credentials', () => {
    const answer = html(308, '', { location: `https://user:${PASSWORD}@new.example/tryton/?x=1` });
    expect(thrown(writing, answer)).toMatchObject({
      code: 'tryton_malformed_answer',
      message: expect.stringContaining('a redirect to https://new.example, which is not followed'),
    });
  });
});

describe('what is no answer', () => {
  it.each([
    ['nothing', http(''), 'an empty body'],
    ['half an answer', http('{"id":5,"result":[1,'), 'not complete JSON'],
    ['a web page', html(200, 'Please sign in'), 'a web page ("Please sign in"), not from Tryton'],
    ['the answer to another request', http('{"id":6,"result":1}'), 'another request'],
    ['an envelope without an id', http('{"result":1}'), 'another request'],
    ['an envelope without content', http('{"id":5}'), 'neither result nor error'],
  ])('%s is malformed, and leaves the fate of a write unknown', (_, answer, words) => {
    expect(thrown(asked, answer)).toMatchObject({
      code: 'tryton_malformed_answer',
      message: expect.stringContaining(words),
    });
    expect(thrown(writing, answer)).toMatchObject({ code: 'tryton_unknown_fate' });
  });
});
