import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TestApi } from './start-api.ts';
import { startApi } from './start-api.ts';

let webRoot: string;
let api: TestApi;
let proxied: TestApi;
beforeAll(async () => {
  webRoot = mkdtempSync(join(tmpdir(), 'passerelle-web-'));
  writeFileSync(join(webRoot, 'index.html'), '<!doctype html>');
  api = await startApi({}, {}, { webRoot });
  proxied = await startApi({ TRUST_PROXY: '127.0.0.1' });
});
afterAll(async () => {
  await api.close();
  await proxied.close();
  rmSync(webRoot, { recursive: true });
});

const DATA = [
  '/api/v1/sync',
  '/api/v1/nowhere',
  '/healthz',
  '/readyz',
  '/openapi.json',
  '/nowhere',
  '/admin/api/v1/sync',
];

describe('every answer that is data', () => {
  it.each(DATA)('%s can be run, framed and sniffed by no browser', async (url) => {
    const { headers } = await api.inject(url);
    expect(headers).toMatchObject({
      'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
      'cross-origin-resource-policy': 'same-origin',
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
    });
  });

  it.each([
    [401, '/api/v1/sync', 'none'],
    [401, '/admin/api/v1/sync', 'none'],
    [403, '/admin/api/v1/sync', 'cross-site'],
  ])('is it also when it is refused with %d at %s', async (status, url, site) => {
    const login = status === 403 ? api.admin : {};
    const answer = await api.app.inject({ url, headers: { ...login, 'sec-fetch-site': site } });
    expect(answer.statusCode).toBe(status);
    expect(answer.headers['x-content-type-options']).toBe('nosniff');
    expect(answer.headers['content-security-policy']).toContain('default-src');
  });
});

describe('CORS', () => {
  it.each([...DATA, '/admin', '/admin/queues'])('is off for %s', async (url) => {
    const headers = { origin: 'https://other.example' };
    const asked = {
      ...headers,
      'access-control-request-method': 'GET',
      'access-control-request-headers': 'authorization',
    };
    for (const answer of [
      await api.inject({ url, headers }),
      await api.app.inject({ method: 'OPTIONS', url, headers: asked }),
    ]) {
      expect(Object.keys(answer.headers).filter((name) => name.startsWith('access-control-'))).toEqual([]);
    }
  });
});

describe('a page', () => {
  it('of the dashboard loads its own files and nothing inline', async () => {
    const { headers } = await api.inject('/admin');
    expect(headers['content-security-policy']).toBe(
      "default-src 'self';base-uri 'self';form-action 'self';frame-ancestors 'none';object-src 'none'",
    );
    expect(headers).toMatchObject({
      'cross-origin-opener-policy': 'same-origin',
      'referrer-policy': 'same-origin',
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
    });
  });

  it('of bull-board may style inline, and runs no script but its own', async () => {
    const { headers, body } = await api.inject('/admin/queues');
    const policy = String(headers['content-security-policy']);
    expect(policy).toContain("default-src 'self'");
    expect(policy).toContain("style-src 'self' 'unsafe-inline'");
    expect(policy).not.toContain('script-src');
    // A block of JSON is no script; every script has an address of ours.
    for (const [tag] of body.matchAll(/<script[^>]*>/g))
      expect(tag).toMatch(/src="static\/|type="application\/json"/);
    // The browser would report what the policy blocks.
    expect(body.match(/(?:href|src)="https?:/g)).toBeNull();
  });
});

describe('HSTS', () => {
  const get = (of: TestApi, url: string, headers = {}) => of.app.inject({ url, headers });

  it.each(['/healthz', '/admin/queues'])(
    'is said of %s where a trusted proxy says the browser came by TLS',
    async (url) => {
      const https = { 'x-forwarded-proto': 'https' };
      expect((await get(proxied, '/healthz', https)).headers['strict-transport-security']).toBe(
        'max-age=15552000',
      );
      expect((await get(proxied, url)).headers).not.toHaveProperty('strict-transport-security');
      expect((await get(api, url, https)).headers).not.toHaveProperty('strict-transport-security');
    },
  );
});
