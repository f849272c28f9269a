import type { FastifyInstance } from 'fastify';
import type { Wire } from '../tryton/types.ts';
import { fromJson } from '../tryton/wire.ts';
import { BadJsonError } from './errors.ts';
import type { KnownCalls } from './known-calls.ts';

const UTF8 = new TextDecoder('utf-8', { fatal: true });

/**
 * Within this scope bodies are JSON and nothing else, read so that no digit is lost. A body that is empty is none.
 *
 * Throws BadJsonError for what is not UTF-8, not JSON, or nested deeper than 100 levels.
 */
export function readExactJson(scope: FastifyInstance, known: KnownCalls): void {
  scope.removeAllContentTypeParsers();
  scope.addContentTypeParser('application/json', { parseAs: 'buffer' }, async (_: unknown, body: Buffer) =>
    body.length === 0 ? undefined : known.read(textOf(body), parse),
  );
}

function textOf(body: Buffer): string {
  try {
    return UTF8.decode(body);
  } catch {
    throw new BadJsonError('not UTF-8');
  }
}

function parse(text: string): Wire {
  try {
    return fromJson(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new BadJsonError(`${error.message}${placeOf(text)}`);
  }
}

/** Where the text stops being JSON, as far as the engine tells. Nothing of the text itself is quoted. */
function placeOf(text: string): string {
  try {
    JSON.parse(text);
    return '';
  } catch (error) {
    const message = error instanceof Error ? error.message : '';
    const [, position] = / at position (\d+)/.exec(message) ?? [];
    if (position !== undefined) return ` (wrong from character ${Number(position) + 1} on)`;
    return /end of JSON input/.test(message) ? ' (it ends too early)' : '';
  }
}
