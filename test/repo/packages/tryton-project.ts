import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';
import { ROOT } from '../listed-documents.ts';

const run = promisify(execFile);

const packed = z.tuple([
  z.object({
    filename: z.string(),
    size: z.number(),
    unpackedSize: z.number(),
    files: z.array(z.object({ path: z.string() })),
  }),
]);

type Packed = z.infer<typeof packed>[0];

/** An empty project outside of the repository, with the built package `@passerelle/tryton` as its only dependency. */
export interface TrytonProject {
  readonly folder: string;
  readonly packed: Packed;
  install(...packages: readonly string[]): Promise<void>;
  write(file: string, text: string): Promise<void>;
  /** Compiles with TypeScript, strictly. Rejects with the messages of the compiler. */
  compile(files: readonly string[], options?: readonly string[]): Promise<void>;
  /** The standard output of a program. Rejects if it writes to the standard error, for example a warning of Node. */
  run(file: string, variables?: Readonly<Record<string, string>>): Promise<string>;
  remove(): Promise<void>;
}

const STRICT = [
  '--strict',
  '--exactOptionalPropertyTypes',
  '--noUncheckedIndexedAccess',
  '--target',
  'es2023',
];

export async function openTrytonProject(): Promise<TrytonProject> {
  const folder = await mkdtemp(join(tmpdir(), 'passerelle-package-'));
  const inFolder = (program: string, ...args: readonly string[]) => run(program, args, { cwd: folder });
  const install = async (...packages: readonly string[]) => {
    const quiet = ['--prefer-offline', '--no-audit', '--no-fund', '--ignore-scripts'];
    await inFolder('npm', 'install', ...quiet, ...packages);
  };
  const write = (file: string, text: string) => writeFile(join(folder, file), text);
  const target = ['--pack-destination', folder, '--json', '--silent'];
  const { stdout } = await run('npm', ['pack', './packages/tryton', ...target], { cwd: ROOT });
  const [tarball] = packed.parse(JSON.parse(stdout.slice(stdout.indexOf('[\n'))));
  await write('package.json', JSON.stringify({ name: 'empty', private: true }));
  await install(`./${tarball.filename}`);
  return {
    folder,
    packed: tarball,
    install,
    write,
    async compile(files, options = []) {
      const tsc = join(ROOT, 'node_modules/.bin/tsc');
      const compiled = inFolder(tsc, ...STRICT, '--singleThreaded', '--types', 'node', ...options, ...files);
      await compiled.catch((error: Error & { stdout: string }) => {
        throw new Error(error.stdout, { cause: error });
      });
    },
    async run(file, variables = {}) {
      const child = run(process.execPath, [file], { cwd: folder, env: { ...process.env, ...variables } });
      const { stdout, stderr } = await child;
      if (stderr !== '') throw new Error(stderr);
      return stdout;
    },
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}
