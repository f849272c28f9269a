import type { ComponentChildren } from 'preact';

/** A table that may be wider than the screen: it scrolls by itself, by keyboard too. */
export function TableBox({
  label,
  children,
}: {
  readonly label: string;
  readonly children: ComponentChildren;
}) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: keyboard users scroll it with the arrow keys
    <section class="table-box" aria-label={label} tabIndex={0}>
      <table>
        <caption class="unseen">{label}</caption>
        {children}
      </table>
    </section>
  );
}
