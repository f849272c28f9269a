import type { DocumentModel, MirroredModel } from '../types.ts';

/** A larger BC is not sent through Redis: its job reads it again. In bytes of JSON, as all sizes here. */
export const MAX_READING = 256 * 1024;

/** Maximum of bytes of a run that wait in Redis, over all its pages. */
const IN_FLIGHT = 32 * 1024 * 1024;

/** Target size of one fetch, in bytes of JSON; an estimate. */
const READ_CONCURRENCY = 4 * 1024 * 1024;

/** BCs, or records, that are read before any size is known. */
const FIRST = 50;

/** A document is the header with its lines; a model counts its records only. */
type Weighed = DocumentModel | MirroredModel;

/** Average size of one item in bytes, over about the last hundred. It is kept as long as the model. */
const weights = new WeakMap<Weighed, number>();
const REMEMBERED = 100;

/** Adds the size of a BC, or a record, of this model. */
export function recordSize(model: Weighed, bytes: number): void {
  const before = weights.get(model) ?? bytes;
  weights.set(model, before + (bytes - before) / REMEMBERED);
}

/** How many to read at once, at least one, so that memory use does not depend on their size. */
export function batchSize(model: Weighed, room: number): number {
  const weight = weights.get(model);
  return weight === undefined ? FIRST : Math.max(1, Math.floor(Math.min(READ_CONCURRENCY, room) / weight));
}

/** Bytes that one page may put into Redis. At most 64 pages are in flight, so the largest document always fits. */
export function pageByteBudget({ pagesInFlight }: { readonly pagesInFlight: number }): number {
  return IN_FLIGHT / pagesInFlight;
}

/**
 * The estimated size of a value as JSON. Never less than its text in Latin letters, and cheaper than writing the JSON.
 */
export function estimateJsonBytes(value: unknown): number {
  if (typeof value === 'string') return (value.length < SHORT ? value.length : Buffer.byteLength(value)) + 3;
  if (typeof value !== 'object' || value === null) return SCALAR;
  let weight = 2;
  if (Array.isArray(value)) for (const item of value) weight += estimateJsonBytes(item);
  else
    for (const [name, member] of Object.entries(value)) weight += name.length + 3 + estimateJsonBytes(member);
  return weight;
}

/** Texts up to this length are not measured exactly. */
const SHORT = 32;

/** A number, a boolean or null, with its comma. */
const SCALAR = 6;
