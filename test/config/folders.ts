import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type OwnProcess, startProcess } from '../support/own-process.ts';

const MODULES = { api: 'src/server', worker: 'workers/main', command: 'src/cli/main' } as const;

/** A line of a log, if it is a warning or worse; any other line as it is. */
function readable(line: string): string[] {
  if (!line.startsWith('{"level"')) return line === '' ? [] : [line];
  const { level, msg } = JSON.parse(line) as { level: number; msg: string };
  return level >= 40 ? [msg] : [];
}

/** Starts API, worker and commands in folders of their own, each with its `.env`. `close` ends and removes all. */
export function openFolders() {
  const folders: string[] = [];
  const processes: OwnProcess[] = [];
  return {
    /** @param file the content of `.env`; null: it is a directory; undefined: there is no such file. */
    async start(
      which: keyof typeof MODULES,
      file: string | null | undefined,
      env: Readonly<Record<string, string>> = {},
      args: readonly string[] = [],
    ) {
      const folder = await mkdtemp(join(tmpdir(), 'passerelle-folder-'));
      folders.push(folder);
      if (file === null) await mkdir(join(folder, '.env'));
      else if (file !== undefined) await writeFile(join(folder, '.env'), file);
      const started = startProcess(MODULES[which], env, args, folder);
      processes.push(started);
      return {
        ...started,
        folder,
        /** The warnings, errors and answers so far. */
        said: () => started.output().split('\n').slice(0, -1).flatMap(readable).join('\n'),
      };
    },
    async close() {
      for (const { child } of processes) child.kill('SIGKILL');
      await Promise.all(processes.map(({ exit }) => exit));
      for (const folder of folders) await rm(folder, { recursive: true });
    },
  };
}
