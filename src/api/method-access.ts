import { isRead, isReserved, matchesPattern } from '../tryton/methods.ts';
import { MethodNotAllowedError } from './access-errors.ts';

/**
 * Whether a key opens a Tryton method: with patterns exactly what they match, without any the reads, and what belongs
 * to sessions never.
 *
 * @throws MethodNotAllowedError
 */
export function assertMethodAllowed(
  { methods }: { readonly methods: readonly string[] },
  method: string,
): void {
  const reserved = isReserved(method);
  const opened =
    methods.length === 0 ? isRead(method) : methods.some((pattern) => matchesPattern(method, pattern));
  if (reserved || !opened) throw new MethodNotAllowedError(method, reserved);
}
