/** A cell: its special characters are escaped, and several lines become one. */
const cell = (text: string): string =>
  text
    .replaceAll('|', '\\|')
    .replaceAll(/\s*\n\s*/g, ' ')
    .trim();

export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map(cell).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

export const code = (text: string): string => (text === '' ? '' : `\`${text}\``);

/** A generated page, which must not be edited by hand. */
export function page(title: string, intro: string, parts: readonly string[]): string {
  const note = '<!-- Written by `npm run docs` from the code; a test fails where it is not up to date. -->';
  return [`# ${title}`, note, intro, ...parts].join('\n\n').concat('\n');
}
