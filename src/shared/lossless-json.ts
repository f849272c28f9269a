import { randomUUID } from 'node:crypto';

/** The tokens that JSON.parse refuses or rounds, for one kind of JSON. */
export interface TokenRules {
  /** A quick test of a whole text. It may be true for an ordinary text too. */
  readonly suspect: RegExp;
  /** Global: an escaped character, a quotation mark, or a whole token that may be lost. */
  readonly tokens: RegExp;
  /** Whether JSON.parse keeps this token. */
  readonly isKept: (token: string) => boolean;
}

/**
 * Prepares a text for JSON.parse without losing numbers. Each token that would be lost becomes the object
 * `{"<mark>":"<token>"}`, which can only be where a value can be. `mark` is undefined if the text needs none. It is
 * random and chosen after the text was written, so the text cannot contain it.
 */
export function markTokens(
  text: string,
  { suspect, tokens, isKept }: TokenRules,
): { text: string; mark: string | undefined } {
  if (!suspect.test(text)) return { text, mark: undefined };
  const mark = randomUUID();
  let inText = false;
  const marked = text.replace(tokens, (token) => {
    if (token === '"') inText = !inText;
    return inText || token === '"' || token.startsWith('\\') || isKept(token)
      ? token
      : `{"${mark}":"${token}"}`;
  });
  return { text: marked, mark };
}
