import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  type FetchedDocument,
  FetchedDocumentBuffer,
  readingBytes,
} from '../../../src/queues/fetched-documents.ts';
import { freshPrefix, redisUrl } from '../../support/redis.ts';

const RUN = { mirror: 'own', runId: 7 };
const PLACE = { ...RUN, page: 3 };
const prefix = freshPrefix();
let redis: Redis;
let readings: FetchedDocumentBuffer;
beforeAll(() => {
  redis = new Redis(redisUrl());
  readings = new FetchedDocumentBuffer(redis, prefix);
});
afterAll(() => redis?.disconnect());

function reading(odooId: number): FetchedDocument {
  const record = (id: number, json: string, binarySizes = {}) => ({
    ...{ odooId: id, json, binarySizes },
    ...{ createDate: '2026-01-01 00:00:00', writeDate: null, contentHash: 'ab' },
  });
  return {
    ...{ model: 'digest', fetchSeq: 5, endSeq: 6, fetchedAt: '2026-01-02T00:00:00.000Z' },
    ...{ gone: [8], hidden: [7] },
    records: [record(odooId, '{"name":"é €\\n\\u0000 😀"}', { scan: '1.43 Kb' }), record(9, '{}')],
  };
}

test('a reading is returned as it was kept', async () => {
  await readings.put(PLACE, new Map([1, 2].map((id) => [id, readingBytes(reading(id))])));
  expect(await readings.getMany(PLACE, [2, 1])).toEqual(
    new Map([
      [2, reading(2)],
      [1, reading(1)],
    ]),
  );
});

test('readings never kept, or of a dropped page, are left out', async () => {
  await readings.put(PLACE, new Map([[1, readingBytes(reading(1))]]));
  expect([...(await readings.getMany(PLACE, [1, 8])).keys()]).toEqual([1]);
  expect(await readings.getMany({ ...RUN, page: 4 }, [1])).toEqual(new Map());
  await readings.delete(RUN, [3, 4]);
  expect(await readings.getMany(PLACE, [1])).toEqual(new Map());
});

test('readings of another mirror on the same prefix are left out', async () => {
  await readings.put(PLACE, new Map([[1, readingBytes(reading(1))]]));
  expect(await readings.getMany({ ...PLACE, mirror: 'other' }, [1])).toEqual(new Map());
  await readings.delete({ ...RUN, mirror: 'other' }, [3]);
  expect([...(await readings.getMany(PLACE, [1])).keys()]).toEqual([1]);
});

test.each([
  ['another version of the first line', '{"records":[]}\n{}'],
  ['fewer records than the first line announces', readingBytes(reading(1)).toString().replace(/\n.*$/, '')],
  ['no text of ours', 'nothing'],
])('%s counts as not kept', async (_, text) => {
  await readings.put(PLACE, new Map([[1, Buffer.from(text)]]));
  expect(await readings.getMany(PLACE, [1])).toEqual(new Map());
});

test('readings expire by themselves', async () => {
  await readings.put(PLACE, new Map([[1, readingBytes(reading(1))]]));
  const [key = ''] = await redis.keys(`${prefix}:reading:*`);
  expect(await redis.ttl(key)).toBeGreaterThan(0);
});

test('a Redis that refuses to keep it is an error', async () => {
  await redis.set(`${prefix}:reading:own:8:1`, 'no hash');
  const kept = new Map([[1, readingBytes(reading(1))]]);
  await expect(readings.put({ mirror: 'own', runId: 8, page: 1 }, kept)).rejects.toThrow('WRONGTYPE');
});
