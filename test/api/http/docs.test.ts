import { afterAll, beforeAll, expect, test } from 'vitest';
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
  expect((await open('/docs/static/swagger-ui-bundle.js')).headers['content-encoding']).toBe('gzip');
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
