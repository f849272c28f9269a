/** 0 to 31 except tab, newline and carriage return: what Odoo 19 removes from text in XML-RPC. */
const removed = Array.from({ length: 32 }, (_, code) => code).filter((code) => ![9, 10, 13].includes(code));
const controls = new RegExp(`[${removed.map((code) => String.fromCharCode(code)).join('')}]`, 'g');

/**
 * Text without the control characters that XML 1.0 forbids. Odoo 19 removes them in XML-RPC answers
 * (`addons/rpc/controllers/xmlrpc.py`, CONTROL_CHARACTERS), Odoo 14 sends them raw, JSON escapes them:
 * every transport removes this one set, so that the same record reads the same.
 */
export function withoutControls(text: string): string {
  return text.replace(controls, '');
}

export function isRemovedControl(code: number): boolean {
  return removed.includes(code);
}
