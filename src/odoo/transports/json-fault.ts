import { z } from 'zod';
import type { Fault } from '../faults.ts';

/** An exception as Odoo serializes it in both JSON protocols; `debug`, the traceback, is never looked at. */
export const jsonFaultSchema = z.object({ name: z.string().optional(), message: z.string() });

export function jsonFault(data: z.infer<typeof jsonFaultSchema>): Fault {
  const name = data.name?.split('.').at(-1);
  const kind = name === 'AccessDenied' ? 'denied' : name === 'AccessError' ? 'forbidden' : 'other';
  return { kind, message: data.message, exception: data.name };
}
