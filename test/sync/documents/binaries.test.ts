import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TestSetup } from '../../support/test-setup.ts';
import { openTestSetup } from '../../support/test-setup.ts';

const digest = (content: string) => createHash('sha256').update(content).digest('hex');
const scan = (text: string) => Buffer.from(text.repeat(3000)).toString('base64');

describe('binary fields', () => {
  let setup: TestSetup;
  let id = 0;
  /** The readings of pages in Redis. */
  const kept: string[] = [];
  let now = new Date('2026-03-02T08:00:00.000Z');
  beforeAll(async () => {
    setup = await openTestSetup({ sandbox: { documents: 3, clock: () => now } });
    id = setup.odoo.create('dimagaz.bc', { name: 'BC/SCAN', scan: scan('page une '), scan_name: 'bon.pdf' });
    const { readings } = setup.mirror.queues;
    const keep = readings.put.bind(readings);
    readings.put = (place, texts) => {
      kept.push(...[...texts.values()].map(String));
      return keep(place, texts);
    };
    await setup.work();
    await setup.run('full');
  });
  afterAll(() => setup?.close());

  const stored = async () => {
    const [row] = await setup.database
      .client`select fields->>'scan' as scan from scrap_dimagaz_bc where odoo_id = ${id}`;
    return digest(row?.['scan']);
  };
  /** Reads of nothing but contents: a page reads many fields, a content read asks for one record. */
  const contentReads = () =>
    setup.odoo.calls.filter(
      ({ model, method, ids }) => model === 'dimagaz.bc' && method === 'read' && ids?.length === 1,
    ).length;

  it('are stored with their content, not with the size text that pages carry', async () => {
    expect(await stored()).toBe(digest(scan('page une ')));
  });

  it('never travel through Redis', async () => {
    const jobs = await setup.mirror.queues.bc.getJobs(['completed']);
    const texts = [...kept, ...jobs.map((job) => JSON.stringify(job.data))];
    expect(texts.some((text) => text.includes('"scan":"26.37 Kb"'))).toBe(true);
    expect(texts.filter((text) => text.includes(scan('page une ').slice(0, 100)))).toEqual([]);
  });

  it('are not read again while the record stays as it was', async () => {
    setup.odoo.calls.length = 0;
    expect(await setup.run('full')).toMatchObject({ status: 'success', updated: 0 });
    expect(contentReads()).toBe(0);
    expect(await stored()).toBe(digest(scan('page une ')));
  });

  it('are read again when the record was written, and recorded in the audit trail by size and digest', async () => {
    now = new Date(now.getTime() + 1000);
    setup.odoo.write('dimagaz.bc', [id], { scan: scan('page deux') });
    const run = await setup.run('incremental');
    expect(await stored()).toBe(digest(scan('page deux')));
    const [row] = await setup.database
      .client`select changes from audit_log where run_id = ${run.id} and odoo_id = ${id}`;
    expect(row?.['changes'].header.scan).toMatchObject({ old: { bytes: 27_000 }, new: { bytes: 27_000 } });
  });

  it('are read again when they were replaced within the second of their last write', async () => {
    now = new Date();
    setup.odoo.write('dimagaz.bc', [id], { scan: scan('page 3aaa') });
    await setup.run('incremental');
    setup.odoo.write('dimagaz.bc', [id], { scan: scan('page 3bbb') });
    await setup.run('incremental');
    expect(await stored()).toBe(digest(scan('page 3bbb')));
  });
});
