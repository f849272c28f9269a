/**
 * Characters that a terminal would execute instead of showing them: control characters except tab and line end, and
 * those that reverse the direction of text. Texts of Odoo and Tryton may contain them.
 */
const UNPRINTABLE = /(?![\n\t])[\p{Cc}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

export const safeForTerminal = (text: string): string => text.replace(UNPRINTABLE, '\ufffd');

/** The same JSON value, safe for a terminal. */
export function escapeJson(json: string): string {
  return json.replace(UNPRINTABLE, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
