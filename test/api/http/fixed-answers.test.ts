import { Readable } from 'node:stream';
import { gunzipSync } from 'node:zlib';
import { fastify } from 'fastify';
import { expect, test } from 'vitest';
import { keepAnswers } from '../../../src/api/plugins/fixed-answers.ts';

const TEXT = 'a text that gets shorter. '.repeat(1000);

/** An app whose answers are kept, and the number of times that each was made. */
async function startKeeping() {
  const app = fastify();
  const made = { text: 0, stream: 0, broken: 0 };
  await app.register(async (scope) => {
    keepAnswers(scope);
    scope.get('/text', async (_request, reply) => {
      made.text += 1;
      return reply.type('text/plain').send(TEXT);
    });
    scope.get('/stream', async (_request, reply) => {
      made.stream += 1;
      return reply.type('text/plain').send(Readable.from([Buffer.from(TEXT)]));
    });
    scope.get('/broken', async (_request, reply) => {
      made.broken += 1;
      const whole = made.broken > 1;
      const content = new Readable({
        read() {
          this.push(whole ? TEXT : null);
          if (whole) this.push(null);
          else this.destroy(new Error('the disk is gone'));
        },
      });
      return reply.type('text/plain').send(content);
    });
  });
  return { app, made };
}

const headers = { 'accept-encoding': 'gzip' };

test.each(['text', 'stream'] as const)('an answer (%s) is made and compressed once', async (name) => {
  const { app, made } = await startKeeping();
  const bodies = new Set<string>();
  for (let sent = 0; sent < 10; sent += 1) {
    const { rawPayload } = await app.inject({ url: `/${name}`, headers });
    bodies.add(rawPayload.toString('base64'));
    expect(gunzipSync(rawPayload).toString()).toBe(TEXT);
  }
  expect([made[name], bodies.size]).toEqual([1, 1]);
  await app.close();
});

test('concurrent first requests all get it', async () => {
  const { app } = await startKeeping();
  const answers = await Promise.all(Array.from({ length: 8 }, () => app.inject({ url: '/stream', headers })));
  for (const { rawPayload } of answers) expect(gunzipSync(rawPayload).toString()).toBe(TEXT);
  await app.close();
});

test('an answer that breaks off is not kept', async () => {
  const { app } = await startKeeping();
  expect((await app.inject({ url: '/broken', headers })).statusCode).toBe(500);
  expect(gunzipSync((await app.inject({ url: '/broken', headers })).rawPayload).toString()).toBe(TEXT);
  await app.close();
});

test('queries and other spellings of the path are answered, and not kept', async () => {
  const { app, made } = await startKeeping();
  for (const url of ['/text?a', '/text?b', '/t%65xt']) {
    expect((await app.inject({ url, headers })).body).toBe(TEXT);
  }
  expect(made.text).toBe(3);
  await app.close();
});
