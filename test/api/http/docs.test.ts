import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { waitFor } from '../../support/wait-for.ts';
import type { TestApi } from './start-api.ts';
import { startApi } from './start-api.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api.close());

/** As a browser that shows no key. */
const open = (url: string) => api.app.inject({ url, headers: { 'accept-encoding': 'gzip' } });

test('the reference page is open, and all that it loads comes from this server', async () => {
  const page = await api.app.inject('/docs');
  expect(page.statusCode).toBe(200);
  const files = [...page.body.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, file = '']) => file);
  expect(files.length).toBeGreaterThan(5);
  for (const file of files) {
    expect(file).toMatch(/^\/docs\/static\//);
    const answer = await open(file);
    expect([file, answer.statusCode]).toEqual([file, 200]);
  }
});

const BUNDLE = '/docs/static/swagger-ui-bundle.js';

test.each([BUNDLE, '/docs', '/docs/json', '/docs/static/swagger-ui.css', '/openapi.json'])(
  '%s is sent in the encoding that the client accepts, and as 304 if it has it',
  async (url) => {
    const plain = await api.app.inject({ url });
    expect(plain.headers).not.toHaveProperty('content-encoding');
    for (const [encoding, unpack] of [
      ['br', brotliDecompressSync],
      ['gzip', gunzipSync],
    ] as const) {
      const ask = (more = {}) =>
        api.app.inject({ url, headers: { 'accept-encoding': `identity, ${encoding};q=0.5`, ...more } });
      const answers = [...(await Promise.all([ask(), ask(), ask()])), await ask()];
      for (const { headers, rawPayload } of answers) {
        expect(headers).toMatchObject({ 'content-encoding': encoding, vary: 'accept-encoding' });
        expect(headers['content-length']).toBe(String(rawPayload.length));
        expect(headers['content-type']).toBe(plain.headers['content-type']);
        expect(unpack(rawPayload).equals(plain.rawPayload)).toBe(true);
      }
      const known = await ask({ 'if-none-match': answers[0]?.headers.etag });
      expect([known.statusCode, known.body]).toEqual([304, '']);
    }
  },
);

test('other spellings of a path, and queries, neither spoil the kept answer nor fill the memory', async () => {
  const page = (await api.app.inject('/docs')).body;
  for (const url of [
    '/docs?a=/',
    '/docs#/',
    '/%64ocs',
    '/docs/',
    `${BUNDLE}?x=1`,
    '/docs/static/./index.css',
  ]) {
    await open(url);
  }
  expect((await api.app.inject('/docs')).body).toBe(page);
  expect((await api.app.inject('/docs/static/nothing.js')).statusCode).toBe(404);
});

test('with DOCS=off there is neither a page nor a document', async () => {
  const closed = await startApi({ DOCS: 'off' });
  try {
    for (const url of ['/docs', '/docs/', '/docs/json', BUNDLE, '/openapi.json']) {
      const answer = await closed.app.inject(url);
      expect([url, answer.statusCode, answer.json().code]).toEqual([url, 404, 'not_found']);
    }
  } finally {
    await closed.close();
  }
});

test.each(['/openapi.json', '/docs', '/metrics'])('%s is limited for each address', async (url) => {
  const one = await startApi();
  try {
    const ask = (remoteAddress: string, path = url) => one.app.inject({ url: path, remoteAddress });
    // Not always the first 320: on a busy machine a window of a minute may end between them.
    const refused = await waitFor(async () => {
      const answers = await Promise.all(Array.from({ length: 320 }, () => ask('203.0.113.9')));
      const some = answers.filter(({ statusCode }) => statusCode === 429);
      return some.length > 0 && some;
    }, 'refused requests');
    expect(refused[0]?.json().code).toBe('rate_limited');
    expect(Number(refused[0]?.headers['retry-after'])).toBeGreaterThan(0);
    expect((await ask('203.0.113.10')).statusCode).toBe(200);
    for (const open of ['/healthz', '/readyz'])
      expect([open, (await ask('203.0.113.9', open)).statusCode]).toEqual([open, 200]);
  } finally {
    await one.close();
  }
});

test('the page may run its own scripts only, and speak to its own server only', async () => {
  const { headers } = await api.app.inject('/docs');
  const policy = String(headers['content-security-policy']);
  expect(policy).toContain("default-src 'self'");
  expect(policy).not.toMatch(/script-src[^;]*unsafe|https?:|\*/);
  expect(headers['x-frame-options']).toBe('DENY');
});

test('it shows the document that generators read', async () => {
  const [shown, document] = await Promise.all([
    api.app.inject('/docs/json'),
    api.app.inject('/openapi.json'),
  ]);
  expect(shown.json()).toEqual(document.json());
});
