import type { CallSite } from './errors.ts';
import {
  OdooAccessError,
  OdooApplicationError,
  OdooAuthError,
  OdooDatabaseError,
  OdooFieldError,
  OdooModelError,
} from './errors.ts';

/** An error that Odoo reports, in the terms that all protocols share. */
export interface Fault {
  /** `AccessDenied` (login refused), `AccessError` (no right), or anything else. */
  readonly kind: 'denied' | 'forbidden' | 'other';
  readonly message: string;
}

export type OdooFaultError =
  | OdooAccessError
  | OdooApplicationError
  | OdooAuthError
  | OdooDatabaseError
  | OdooFieldError
  | OdooModelError;

/**
 * The error class for what Odoo reported. The sentences matched are those of Odoo 14.0 and 19.0 (the same in
 * both; Odoo does not number its errors). In 14.0 the one about models is translated to the user's language,
 * but no other user error of `fields_get` names the model.
 */
export function faultError(site: CallSite, fault: Fault): OdooFaultError {
  const detail = plainMessage(fault.message);
  if (fault.kind === 'denied') return new OdooAuthError(site);
  if (fault.kind === 'forbidden') return new OdooAccessError(site, detail);
  if (/database "[^"]*" does not exist/.test(detail)) return new OdooDatabaseError(site);
  if (site.model !== undefined && isUnknownModel(detail, site.model, site.call))
    return new OdooModelError(site, site.model);
  if (/\bInvalid field\b/.test(detail)) return new OdooFieldError(site, detail);
  return new OdooApplicationError(site, detail);
}

function isUnknownModel(detail: string, model: string, call: string): boolean {
  if (detail === `Object ${model} doesn't exist` || detail === `the model '${model}' does not exist`)
    return true;
  return call.endsWith('.fields_get') && detail.includes(model) && detail.length < model.length + 60;
}

const LONGEST_MESSAGE = 2000;

/**
 * A message without any Python traceback: of the last exception only its own words. XML-RPC faults hold the
 * whole traceback; JSON messages normally none, unless an application put one into its own text.
 */
export function plainMessage(text: string): string {
  const start = text.lastIndexOf('Traceback (most recent call last):');
  const message = start < 0 ? text : lastException(text.slice(start));
  return message.trim().slice(0, LONGEST_MESSAGE) || 'no message';
}

/** After the frames (indented lines) comes `package.Class: message`, which may go on over several lines. */
function lastException(traceback: string): string {
  const lines = traceback.split(/\r?\n/).slice(1);
  const first = lines.findIndex((line) => line !== '' && !/^\s/.test(line));
  if (first < 0) return '';
  return lines
    .slice(first)
    .join('\n')
    .replace(/^[\w.]+(?:: |\s*$)/, (found) => (found.endsWith(': ') ? '' : found));
}
