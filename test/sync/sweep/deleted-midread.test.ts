import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { TestSetup } from '../../support/test-setup.ts';
import { openTestSetup } from '../../support/test-setup.ts';

const BC = 'dimagaz.bc';
const LINE = 'dimagaz.bc.line';

describe('what Odoo loses after a header was answered, and before its lines are', () => {
  let setup: TestSetup;
  let id = 0;
  let lines: number[] = [];
  beforeEach(async () => {
    setup = await openTestSetup({ sandbox: { documents: 5, lines: 8 } });
    await setup.work();
    await setup.run('full');
    lines = [];
    for (id of setup.odoo.ids(BC)) {
      lines = setup.odoo.ids(LINE).filter((line) => setup.odoo.record(LINE, line)['bc_id'] === id);
      if (lines.length > 4) break;
    }
    setup.odoo.write(BC, [id], { notes: 'à lire' });
  });
  afterEach(async () => {
    vi.restoreAllMocks();
    await setup.close();
  });

  /** Reads the BC by an incremental run; in the gaps of the first `times` readings something happens. */
  const runWith = async (happening: () => void, times = 1) => {
    const { source } = setup.mirror;
    const readHeaders = source.read;
    const readLines = source.list;
    let headers: Promise<unknown> = Promise.resolve();
    let left = times;
    vi.spyOn(source, 'read').mockImplementation((...call) => {
      const answer = readHeaders(...call);
      if (call[0] === BC) headers = answer;
      return answer;
    });
    vi.spyOn(source, 'list').mockImplementation(async (...call) => {
      const [model, { after }, , options] = call;
      const isFirst = options?.binSize === true && after === 0;
      if (model === LINE && isFirst && left > 0) {
        left -= 1;
        await headers;
        happening();
      }
      return readLines(...call);
    });
    const run = await setup.run('incremental');
    expect(left).toBe(0);
    vi.restoreAllMocks();
    return run;
  };
  const stored = async () => {
    const [header] = await setup.database.client`
      select fields->'line_ids' as named, archived_at is not null as archived from scrap_dimagaz_bc where odoo_id = ${id}`;
    const rows = await setup.database.client`
      select odoo_id::int from scrap_dimagaz_bc_line
      where bc_odoo_id = ${id} and archive_reason is distinct from 'removed' order by 1`;
    return { ...header, lines: rows.map((row) => row['odoo_id']) };
  };

  it('is a whole BC: it is gone, and is archived with its lines by the next sweep', async () => {
    const run = await runWith(() => setup.odoo.unlink(BC, [id]));
    expect(run).toMatchObject({ status: 'success', gone: 1, updated: 0 });
    expect(await setup.run('sweep')).toMatchObject({ status: 'success', archived: 1 });
    expect(await stored()).toMatchObject({ archived: true, lines });
  });

  it('is one of its lines: the BC is read again, with its present lines', async () => {
    const [first = 0, ...others] = lines;
    const run = await runWith(() => setup.odoo.erase(LINE, [first]));
    expect(run).toMatchObject({ status: 'success', updated: 1 });
    expect(await stored()).toMatchObject({ named: others, archived: false, lines: others });
  });

  it('is line after line: each time the BC is read again', async () => {
    const left = [...lines];
    const run = await runWith(() => setup.odoo.erase(LINE, left.splice(0, 1)), 4);
    expect(run).toMatchObject({ status: 'success', updated: 1, failed: 0 });
    expect(await stored()).toMatchObject({ named: left, lines: left });
  });
});
