import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import * as face from '../../../src/tryton/index.ts';

const ROOT = resolve(import.meta.dirname, '../../..');
const json = (file: string) => JSON.parse(readFileSync(resolve(ROOT, file), 'utf8'));

describe('passerelle/tryton', () => {
  it('is the built form of src/tryton/index.ts, with its types', () => {
    expect(json('package.json').exports).toEqual({
      '.': { types: './dist/src/index.d.ts', default: './dist/src/index.js' },
      './tryton': { types: './dist/src/tryton/index.d.ts', default: './dist/src/tryton/index.js' },
      './package.json': './package.json',
    });
    expect(json('tsconfig.build.json').compilerOptions).toMatchObject({ declaration: true });
  });

  it('is named by the error of a program that imports the application', async () => {
    await expect(import('../../../src/index.ts')).rejects.toThrow('Its Tryton client is passerelle/tryton');
  });

  it('offers these names and no other', () => {
    expect(Object.keys(face).sort()).toEqual([
      'DateOnly',
      'DateTime',
      'Decimal',
      'TimeOnly',
      'Timedelta',
      'TrytonAnswerTooLargeError',
      'TrytonAuthError',
      'TrytonCircuitOpenError',
      'TrytonClient',
      'TrytonConcurrencyError',
      'TrytonDatabaseError',
      'TrytonError',
      'TrytonLoginStepError',
      'TrytonMalformedError',
      'TrytonMethodNotAllowedError',
      'TrytonNoRoomError',
      'TrytonRateLimitError',
      'TrytonRequestError',
      'TrytonRpcError',
      'TrytonSessionError',
      'TrytonTimeoutError',
      'TrytonUnavailableError',
      'TrytonUnknownFateError',
      'TrytonUnreachableError',
      'TrytonUserError',
      'TrytonUserWarning',
      'createMemorySessionStore',
      'createRedisCacheStore',
      'createRedisSessionStore',
      'isPattern',
      'isRead',
      'matchesPattern',
      'methodName',
    ]);
  });
});
