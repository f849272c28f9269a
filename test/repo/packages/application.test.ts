import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { ROOT } from '../listed-documents.ts';

const packed = z.tuple([z.object({ files: z.array(z.object({ path: z.string() })) })]);

describe("the application's package", () => {
  let paths: string[] = [];
  beforeAll(async () => {
    // Without scripts: `prepare` would build `dist` again, which other tests are using.
    const command = ['pack', '--dry-run', '--json', '--ignore-scripts'];
    const { stdout } = await promisify(execFile)('npm', command, { cwd: ROOT, maxBuffer: 2 ** 24 });
    const [{ files }] = packed.parse(JSON.parse(stdout));
    paths = files.map(({ path }) => path);
  });

  it('holds the programs, the migrations and the documents', () => {
    expect(paths).toEqual(
      expect.arrayContaining([
        '.env.example',
        'CHANGELOG.md',
        'LICENSE',
        'LISEZMOI.md',
        'README.md',
        'dist/src/cli/main.js',
        'dist/src/db/migrations/0000_mirror.sql',
        'dist/src/index.js',
        'dist/src/server.js',
        'dist/src/tryton/index.d.ts',
        'dist/workers/main.js',
        'docs/README.md',
        'docs/how-to/tryton-client.md',
        'docs/reference/errors.md',
        'mirrors.example.yaml',
        'mirrors.schema.json',
      ]),
    );
  });

  it('leaves out sources, development programs, benchmarks and pictures', () => {
    const wanted = /^(?:dist\/(?:src|web|workers)\/|docs\/.*\.md$|[^/]+$)/;
    expect(paths.filter((path) => !wanted.test(path))).toEqual([]);
  });
});
