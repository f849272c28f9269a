import { DrizzleQueryError } from 'drizzle-orm';
import { expect, test } from 'vitest';
import { logProblem, toProblem } from '../../../src/api/problem-details.ts';
import { createLogger } from '../../../src/shared/logger.ts';

test('the log of an internal error has the cause and its stack, and no parameter of the statement', () => {
  const lines: object[] = [];
  const log = createLogger('silent', 'test');
  Object.assign(log, { error: (line: object) => lines.push(line) });
  const cause = Object.assign(new Error('relation is damaged'), { code: 'XX001' });
  const error = new DrizzleQueryError('select $1', ['Épicerie Dupont'], cause);
  logProblem(log, error, toProblem(error));
  expect(lines).toEqual([
    expect.objectContaining({ cause: 'XX001', reason: 'relation is damaged', stack: cause.stack }),
  ]);
  expect(JSON.stringify(lines)).not.toContain('Dupont');
});
