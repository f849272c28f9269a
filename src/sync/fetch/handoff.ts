import type { Reading } from '../../db/documents/writes.ts';
import { type KeptReading, type ReadingPlace, readingBytes } from '../../queues/fetched-documents.ts';
import { type BcPayload, enqueueBcs, type PagePayload } from '../../queues/jobs.ts';
import { byKey } from '../../shared/collections.ts';
import type { Mirror } from '../context.ts';
import { modelDigest } from '../model/document-model.ts';
import { InvalidDocumentError, prepareDocument } from '../store/normalize.ts';
import type { DocumentModel, PreparedDocument, ReadDocument } from '../types.ts';
import { LARGEST_READING, weigh, weightOf } from './batch-size.ts';
import { hasContents } from './binaries.ts';

/** A BC's job, and what was read for it; null where the job is to read the BC itself. */
export interface HandedOver {
  readonly payload: BcPayload;
  readonly kept: Buffer | null;
}

/** What a BC's job has of its page's. */
export const reference = ({ runId, page, token, generation }: PagePayload) => ({
  runId,
  page,
  token,
  generation,
});

/** Makes a BC that a page read ready for its job. */
export function handOver(
  page: PagePayload,
  model: DocumentModel,
  document: ReadDocument,
  reading: Reading,
): HandedOver {
  const payload = { ...reference(page), odooId: document.header.id };
  try {
    const prepared = prepareDocument(model, document, reading);
    const kept = handoverBytes(model, prepared);
    const bytes = kept.length;
    weigh(model, bytes);
    if (bytes > LARGEST_READING) return { payload, kept: null };
    const apart = [prepared.header, ...prepared.lines].some(hasContents);
    return { payload: { ...payload, bytes, ...(apart && { apart }) }, kept };
  } catch (error) {
    if (!(error instanceof InvalidDocumentError)) throw error;
    // The BC's job reads it again, and says what is wrong.
    weigh(model, weightOf(document));
    return { payload, kept: null };
  }
}

/** The readings first: a job that does not find its own reads Odoo. */
export async function enqueueHandedOver(
  { queues, settings }: Mirror,
  page: PagePayload,
  handed: readonly HandedOver[],
): Promise<void> {
  const readings = handed.flatMap(({ payload, kept }) =>
    kept === null ? [] : [[payload.odooId, kept] as const],
  );
  await queues.readings.keep(page, new Map(readings));
  await enqueueBcs(
    queues.bc,
    handed.map(({ payload }) => payload),
    settings,
  );
}

/** A BC as the page that read it hands it over to its job. */
function handoverBytes(model: DocumentModel, { header, lines, reading, missing }: PreparedDocument): Buffer {
  return readingBytes({ model: modelDigest(model), ...reading, ...missing, records: [header, ...lines] });
}

const endOf = ({ fetchSeq, endSeq = fetchSeq }: KeptReading) => endSeq;

/** Null: it was read by another description of the model. */
function takenOver(model: DocumentModel, kept: KeptReading): PreparedDocument | null {
  const { fetchSeq, fetchedAt, gone, hidden, records } = kept;
  const [header, ...lines] = records;
  if (header === undefined || kept.model !== modelDigest(model)) return null;
  return { header, lines, reading: { fetchSeq, endSeq: endOf(kept), fetchedAt }, missing: { gone, hidden } };
}

/** A BC that a page read, and the description to take it over by. */
interface Handover extends ReadingPlace {
  readonly odooId: number;
  readonly model: DocumentModel;
}

/**
 * What pages handed over of these BCs, one command for each page. Left out is what is not there any more, and what was
 * read after `newestSeq`: stored, it would keep the readings out that a restored database has still to count up to it.
 */
export async function takeOver<Item extends Handover>(
  { queues }: Pick<Mirror, 'queues'>,
  items: readonly Item[],
  newestSeq: number,
): Promise<Map<Item, PreparedDocument>> {
  const documents = new Map<Item, PreparedDocument>();
  const pages = byKey(items, ({ runId, page }) => `${runId}:${page}`);
  const take = async (own: readonly Item[]) => {
    const [first] = own;
    if (first === undefined) return;
    const kept = await queues.readings.take(
      first,
      own.map(({ odooId }) => odooId),
    );
    for (const item of own) {
      const reading = kept.get(item.odooId);
      const isKnown = reading !== undefined && endOf(reading) <= newestSeq;
      const document = isKnown ? takenOver(item.model, reading) : null;
      if (document !== null) documents.set(item, document);
    }
  };
  await Promise.all([...pages.values()].map(take));
  return documents;
}
