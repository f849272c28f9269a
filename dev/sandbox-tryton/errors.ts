import type { TrytonVersion } from './fields.ts';
import type { Value } from './values.ts';

/** An exception of the server: `args` is what Python's exception holds. `status`: where there is no envelope. */
export class ServerException extends Error {
  /** An exception of Tryton's own: the envelope shows its arguments, without a traceback. */
  readonly args: readonly Value[] | null;
  readonly status: number;
  constructor(words: string, args: readonly Value[] | null, status: number) {
    super(words);
    this.args = args;
    this.status = status;
  }
}

/** A plain Python exception: its words, and a traceback from 5.0. */
export const pythonError = (words: string): ServerException => new ServerException(words, null, 500);

/** `KeyError('nope')` */
export const keyError = (name: string): ServerException => pythonError(`'${name}'`);

export function userError(version: TrytonVersion, words: string): ServerException {
  const parts: readonly Value[] = version === '5.0' ? [words, ''] : [words, '', null];
  return new ServerException(`${words} - `, ['UserError', parts], 400);
}

export const userWarning = (name: string, words: string): ServerException =>
  new ServerException(`${words} - `, ['UserWarning', [name, words, '']], 409);

export const concurrency = (): ServerException => {
  const words = 'Records were modified in the meanwhile';
  return new ServerException(words, ['ConcurrencyException', words], 423);
};

/** The login wants the parameter `name`, with these words, of this kind. */
export const loginException = (name: string, words: string, kind: string): ServerException =>
  new ServerException(
    `('LoginException', ('${name}', '${words}', '${kind}'))`,
    ['LoginException', [name, words, kind]],
    403,
  );

/** An HTTP status that the server answers with a page of its own. */
export class Abort extends Error {
  readonly status: number;
  constructor(status: number) {
    super(`HTTP ${status}`);
    this.status = status;
  }
}
