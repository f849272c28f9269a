import type { ComponentChildren } from 'preact';

interface LongTextProps {
  readonly text: string;
  /** Before it. */
  readonly children?: ComponentChildren;
}

const SHORT_CHARACTERS = 140;

/** A text from elsewhere. A long one is shown in full on request. */
export function LongText({ text, children }: LongTextProps) {
  if (text.length <= SHORT_CHARACTERS) {
    return (
      <>
        {children} {text}
      </>
    );
  }
  const beginning = beginningOf(text);
  return (
    <details class="long-text">
      <summary>
        {children} {beginning}
        <span class="more">…</span>
      </summary>
      {text.slice(beginning.length)}
    </details>
  );
}

/** As many whole words as are short. */
const beginningOf = (text: string): string => text.slice(0, SHORT_CHARACTERS).replace(/\s+\S*$/, '');
