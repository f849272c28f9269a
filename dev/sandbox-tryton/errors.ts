import type { TrytonVersion } from './models/fields.ts';
import type { Value } from './values.ts';

/** An exception of the server: `args` are those of the Python exception. `status` is for errors without an envelope. */
export class ServerException extends Error {
  /** An exception of Tryton: the envelope contains its arguments, without a traceback. */
  readonly args: readonly Value[] | null;
  readonly status: number;
  constructor(words: string, args: readonly Value[] | null, status: number) {
    super(words);
    this.args = args;
    this.status = status;
  }
}

/** A plain Python exception: its message, and a traceback from 5.0. */
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

/** The login asks for the parameter `name`, with this message, of this kind. */
export const loginException = (name: string, words: string, kind: string): ServerException =>
  new ServerException(
    `('LoginException', ('${name}', '${words}', '${kind}'))`,
    ['LoginException', [name, words, kind]],
    403,
  );

/** An HTTP status with a page of the server. */
export class Abort extends Error {
  readonly status: number;
  constructor(status: number) {
    super(`HTTP ${status}`);
    this.status = status;
  }
}

/** The names of a record in an error. `record`: its rec_name, if the server sends it. */
interface Place {
  readonly model: string;
  readonly modelString: string;
  readonly field: string;
  readonly record: string | null;
}

/** The texts of the three servers, word for word (7.0.30, 6.0.29, 5.0.33, in English). */
interface Wording {
  missing(verb: 'read' | 'write', model: string, modelString: string, ids: readonly number[]): string;
  required(place: Place): string;
  selection(place: Place, value: string): string;
  unknownTarget(place: Place, value: string): string;
  digits(place: Place, value: string, limit: number): string;
  inUse(field: string, modelString: string): string;
}

const MODERN_IN_USE = (field: string, model: string) =>
  `The records could not be deleted because they are used by field "${field}" of "${model}".`;

const missing = (ending: string): Wording['missing'] => {
  return (verb, _model, modelString, ids) =>
    `You are trying to ${verb === 'read' ? 'read' : 'write to'} records "${ids.slice(0, 5).join(', ')}" of ` +
    `"${modelString}" that don't exist${ending}.`;
};

const modern = {
  required: ({ field, modelString }: Place) =>
    `A value is required for field "${field}" in "${modelString}".`,
  unknownTarget: ({ field, modelString }: Place, value: string) =>
    `The value "${value}" for field "${field}" in "${modelString}" does not exist.`,
  inUse: MODERN_IN_USE,
};

const WORDS: Readonly<Record<TrytonVersion, Wording>> = {
  '7.0': {
    ...modern,
    missing: missing(''),
    selection: ({ field, modelString, record }, value) =>
      `The value "${value}" for field "${field}" in "${record}" of "${modelString}" is not one of the allowed options.`,
    digits: ({ field, modelString, record }, value, limit) =>
      `The number of digits in the value "'${value}'" for field "${field}" in "${record}" of "${modelString}" ` +
      `exceeds the limit of "${limit}".`,
  },
  '6.0': {
    ...modern,
    missing: missing(' anymore'),
    selection: ({ field, modelString }, value) =>
      `The value "${value}" for field "${field}" in "${modelString}" is not one of the allowed options.`,
    digits: ({ field, modelString }, value, limit) =>
      `The number of digits in the value "Decimal('${value}')" for field "${field}" in "${modelString}" ` +
      `exceeds the limit of "${limit}".`,
  },
  '5.0': {
    missing: (verb, model) =>
      `You try to ${verb === 'read' ? 'read' : 'write on'} records that don't exist anymore.\n(Document type: ${model})`,
    required: ({ field, modelString }) => `The field "${field}" on "${modelString}" is required.`,
    selection: ({ field, modelString }, value) =>
      `The value "${value}" of field "${field}" on "${modelString}" is not in the selection.`,
    unknownTarget: ({ field, modelString }, value) =>
      `The value "${value}" of field "${field}" on "${modelString}" doesn't exist.`,
    digits: ({ field, modelString }, value, limit) =>
      `The value "Decimal('${value}')" of field "${field}" on "${modelString}" exceeds the digits limit of "${limit}".`,
    inUse: (field, model) =>
      `Could not delete the records because they are used by field "${field}" of "${model}".`,
  },
};

export const wordingOf = (version: TrytonVersion): Wording => WORDS[version];
