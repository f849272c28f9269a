import { isOutdated, type Reading } from '../../db/documents/fetch-sequence.ts';
import { installationOf } from '../../db/installation.ts';
import { type FetchedDocument, type ReadingPlace, readingBytes } from '../../queues/fetched-documents.ts';
import { type BcPayload, enqueueBcs, type PagePayload } from '../../queues/jobs.ts';
import { groupBy } from '../../shared/collections.ts';
import type { SyncContext } from '../context.ts';
import { modelDigest } from '../model/document-model.ts';
import { InvalidDocumentError, prepareDocument } from '../store/normalize.ts';
import type { DocumentModel, PreparedDocument, ReadDocument } from '../types.ts';
import { estimateJsonBytes, MAX_READING, recordSize } from './batch-size.ts';
import { hasContents } from './binaries.ts';

/** The job of a BC and its fetched document; null if the job has to fetch the BC itself. */
export interface PreparedJob {
  readonly payload: BcPayload;
  readonly kept: Buffer | null;
}

/** The fields of a page job that the jobs of its BCs inherit. */
export const reference = ({ runId, page, token, generation }: PagePayload) => ({
  runId,
  page,
  token,
  generation,
});

/** Prepares a BC that a page read for its job. */
export function toBcJob(
  page: PagePayload,
  model: DocumentModel,
  document: ReadDocument,
  reading: Reading,
): PreparedJob {
  const payload = { ...reference(page), odooId: document.header.id };
  try {
    const prepared = prepareDocument(model, document, reading);
    const kept = handoverBytes(model, prepared);
    const bytes = kept.length;
    recordSize(model, bytes);
    if (bytes > MAX_READING) return { payload, kept: null };
    const apart = [prepared.header, ...prepared.lines].some(hasContents);
    return { payload: { ...payload, bytes, ...(apart && { apart }) }, kept };
  } catch (error) {
    if (!(error instanceof InvalidDocumentError)) throw error;
    // The job of the BC fetches it again and reports the error.
    recordSize(model, estimateJsonBytes(document));
    return { payload, kept: null };
  }
}

/** The readings first, because a job without its reading reads Odoo again. */
export async function enqueueHandedOver(
  { db, queues, settings }: SyncContext,
  page: PagePayload,
  handed: readonly PreparedJob[],
): Promise<void> {
  const readings = handed.flatMap(({ payload, kept }) =>
    kept === null ? [] : [[payload.odooId, kept] as const],
  );
  const mirror = await installationOf(db);
  await queues.readings.put({ ...page, mirror }, new Map(readings));
  await enqueueBcs(
    queues.bc,
    mirror,
    handed.map(({ payload }) => payload),
    settings,
  );
}

/** A BC as the page passes it to its job. */
function handoverBytes(model: DocumentModel, { header, lines, reading, missing }: PreparedDocument): Buffer {
  return readingBytes({ model: modelDigest(model), ...reading, ...missing, records: [header, ...lines] });
}

const endOf = ({ fetchSeq, endSeq = fetchSeq }: FetchedDocument) => endSeq;

/** Null: it was read with another description of the model. */
function takenOver(model: DocumentModel, kept: FetchedDocument): PreparedDocument | null {
  const { fetchSeq, fetchedAt, gone, hidden, records } = kept;
  const [header, ...lines] = records;
  if (header === undefined || kept.model !== modelDigest(model)) return null;
  return { header, lines, reading: { fetchSeq, endSeq: endOf(kept), fetchedAt }, missing: { gone, hidden } };
}

/** A BC that a page read, and the description that it needs. */
interface Handover extends Omit<ReadingPlace, 'mirror'> {
  readonly odooId: number;
  readonly model: DocumentModel;
}

/**
 * Loads the fetched documents of these BCs, with one command for each page. Missing documents are left out. So are
 * those from before PostgreSQL lost commits, by a failover or a restore: such a document would block newer ones.
 */
export async function loadFetchedDocuments<Item extends Handover>(
  { db, queues }: Pick<SyncContext, 'db' | 'queues'>,
  items: readonly Item[],
  newestSeq: number,
): Promise<Map<Item, PreparedDocument>> {
  const documents = new Map<Item, PreparedDocument>();
  const mirror = await installationOf(db);
  const pages = groupBy(items, ({ runId, page }) => `${runId}:${page}`);
  const take = async (own: readonly Item[]) => {
    const [first] = own;
    if (first === undefined) return;
    const kept = await queues.readings.getMany(
      { ...first, mirror },
      own.map(({ odooId }) => odooId),
    );
    for (const item of own) {
      const reading = kept.get(item.odooId);
      const isKnown = reading !== undefined && !isOutdated(endOf(reading), newestSeq);
      const document = isKnown ? takenOver(item.model, reading) : null;
      if (document !== null) documents.set(item, document);
    }
  };
  await Promise.all([...pages.values()].map(take));
  return documents;
}
