import type { MirrorConfig } from '../../src/config/index.ts';
import { createOdooClient } from '../../src/odoo/client.ts';
import type { BcPayload } from '../../src/queues/jobs.ts';
import { toBcJob } from '../../src/sync/fetch/handoff.ts';
import { readDocuments } from '../../src/sync/fetch/read-documents.ts';
import { describeDocument } from '../../src/sync/model/document-model.ts';
import { bcDefinition } from '../../src/sync/types.ts';

/** Different payloads; they come round again. */
const SAMPLE = 1000;

/** The jobs of the first BCs: a page of the mirror makes them, so they have their real size. */
export async function samplePayloads({ odoo: target, sync }: MirrorConfig): Promise<BcPayload[]> {
  const odoo = createOdooClient(target);
  try {
    const model = await describeDocument(odoo, bcDefinition(target, sync));
    const ids = await odoo.search(model.header.name, [], { order: 'id', limit: SAMPLE });
    const blame = {
      ...{ mayBlame: () => false, probe: async () => false },
      tally: { read: 0, refused: 0 },
    };
    const { documents } = await readDocuments(odoo, model, ids, blame, async () => []);
    const page = { runId: 1, page: 0, token: 1, generation: 0 };
    const reading = { fetchSeq: 1, endSeq: 2, fetchedAt: new Date().toISOString() };
    return documents.map((document) => toBcJob(page, model, document, reading).payload);
  } finally {
    await odoo.close();
  }
}

/** The jobs of a page; `first`: how many BCs came before it. */
export function pageJobs(
  payloads: readonly BcPayload[],
  page: number,
  first: number,
  size: number,
): BcPayload[] {
  return Array.from({ length: size }, (_, at) => payloads[(first + at) % payloads.length])
    .filter((payload) => payload !== undefined)
    .map((payload, at) => ({ ...payload, page, odooId: first + at + 1 }));
}
