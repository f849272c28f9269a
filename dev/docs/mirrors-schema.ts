import { z } from 'zod';
import { mirrorsFile } from '../../src/config/mirrors.ts';

/** The JSON Schema of `MIRRORS_FILE` for editors. The YAML server of VS Code reads draft 7. */
export function mirrorsSchema(): string {
  return `${JSON.stringify(z.toJSONSchema(mirrorsFile, { io: 'input', target: 'draft-7' }), null, 2)}\n`;
}
