import { shown } from './shown.ts';

const ANSWERED =
  /```sh\n((?:(?!```)[\s\S])*?)```\n\n```(text|csv|json) answer(, varies)?\n((?:(?!```)[\s\S])*?)```/g;

/**
 * The document with the answer of each command that has one. If `kept`, an answer that varies from machine to machine
 * stays as it is.
 */
export async function answered(
  document: string,
  answer: (script: string) => Promise<string>,
  kept: boolean,
): Promise<string> {
  const parts: string[] = [];
  let end = 0;
  for (const found of document.matchAll(ANSWERED)) {
    const [block, script = '', kind = 'text', varies = '', old = ''] = found;
    const given = shown(await answer(script), kind);
    const text = kept && varies !== '' ? old : `${given}\n`;
    parts.push(document.slice(end, found.index));
    parts.push(`\`\`\`sh\n${script}\`\`\`\n\n\`\`\`${kind} answer${varies}\n${text}\`\`\``);
    end = found.index + block.length;
  }
  return parts.join('') + document.slice(end);
}
