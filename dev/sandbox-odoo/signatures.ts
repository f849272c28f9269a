import { PythonError, typeError } from './errors.ts';
import type { OdooVersion } from './fields.ts';

/** A public method of Odoo's models: its parameters after `self`, the required ones first. */
interface Signature {
  /** True: called on the model; false: called on the records whose ids come first. */
  readonly onModel: boolean;
  readonly parameters: readonly string[];
  readonly required: number;
}

const SIGNATURES: Record<OdooVersion, Record<string, Signature>> = {
  '19.0': {
    fields_get: { onModel: true, parameters: ['allfields', 'attributes'], required: 0 },
    search: { onModel: true, parameters: ['domain', 'offset', 'limit', 'order'], required: 1 },
    search_count: { onModel: true, parameters: ['domain', 'limit'], required: 1 },
    search_read: {
      onModel: true,
      parameters: ['domain', 'fields', 'offset', 'limit', 'order', 'load'],
      required: 0,
    },
    read: { onModel: false, parameters: ['fields', 'load'], required: 0 },
  },
  '14.0': {
    fields_get: { onModel: true, parameters: ['allfields', 'attributes'], required: 0 },
    search: { onModel: true, parameters: ['args', 'offset', 'limit', 'order', 'count'], required: 1 },
    search_count: { onModel: true, parameters: ['args'], required: 1 },
    search_read: { onModel: true, parameters: ['domain', 'fields', 'offset', 'limit', 'order'], required: 0 },
    read: { onModel: false, parameters: ['fields', 'load'], required: 0 },
  },
};

const CONTEXT_GET: Signature = { onModel: true, parameters: [], required: 0 };

/** @throws PythonError for a private or unknown method, as the version in use words it. */
export function signatureOf(version: OdooVersion, model: string, method: string): Signature {
  if (method.startsWith('_')) throw privateMethod(version, model, method);
  if (model === 'res.users' && method === 'context_get') return CONTEXT_GET;
  const signature = SIGNATURES[version][method];
  if (!signature) throw unknownMethod(version, model, method);
  return signature;
}

/** Named arguments, bound as Python would on `execute_kw`. @throws PythonError a TypeError. */
export function bindArguments(
  version: OdooVersion,
  method: string,
  signature: Signature,
  positional: readonly unknown[],
  keywords: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const name = version === '19.0' ? `BaseModel.${method}()` : `${method}()`;
  const { parameters, required } = signature;
  if (positional.length > parameters.length) {
    const most = parameters.length + 1;
    const count = required < parameters.length ? `from ${required + 1} to ${most}` : `${most}`;
    throw typeError(`${name} takes ${count} positional arguments but ${positional.length + 1} were given`);
  }
  const unknown = Object.keys(keywords).find((key) => !parameters.includes(key));
  if (unknown !== undefined) throw typeError(`${name} got an unexpected keyword argument '${unknown}'`);
  const bound = {
    ...Object.fromEntries(positional.map((value, at) => [parameters[at], value])),
    ...keywords,
  };
  const missing = parameters.slice(0, required).find((parameter) => !(parameter in bound));
  if (missing !== undefined) throw typeError(`${name} missing 1 required positional argument: '${missing}'`);
  return bound;
}

function privateMethod(version: OdooVersion, model: string, method: string): PythonError {
  const what = version === '19.0' ? `'${model}.${method}'` : method;
  const message = `Private methods (such as ${what}) cannot be called remotely.`;
  return new PythonError('odoo.exceptions.AccessError', message, 4, 403);
}

function unknownMethod(version: OdooVersion, model: string, method: string): PythonError {
  const message =
    version === '19.0'
      ? `The method '${model}.${method}' does not exist`
      : `type object '${model}' has no attribute '${method}'`;
  return new PythonError('builtins.AttributeError', message);
}
