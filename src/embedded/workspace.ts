import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';

/**
 * A directory with its processes. `clean` ends the processes, and so does the end of this process. Then a temporary
 * directory is removed.
 */
export interface Workspace {
  /** The name of the directory. */
  readonly name: string;
  readonly directory: string;
  ownProcess(pid: number, stopSignal: 'INT' | 'QUIT' | 'TERM'): void;
  /** The process has ended, and another one may have its number now. */
  disownProcess(pid: number): void;
  /** A command of sh, in one line, that runs after the processes have ended. */
  atEnd(command: string): void;
  clean(): Promise<void>;
}

/**
 * The watcher. Only we hold the pipe at its standard input. The pipe closes when we close it and when we die, also by
 * kill -9, so a normal end and a crash are handled alike. It is a plain sh script, because sh exists wherever Node
 * runs.
 */
const WATCHER = `
trap '' HUP INT QUIT TERM
processes= commands=
while read -r kind value; do
  case $kind in
    process) processes="$processes $value" ;;
    gone)
      left=
      for process in $processes; do [ "\${process%:*}" = "$value" ] || left="$left $process"; done
      processes=$left
      ;;
    command) commands="$commands$value
" ;;
  esac
done
# A zombie that its new parent never collects is as good as gone.
alive() { kill -0 "$1" 2>/dev/null && ! grep -qs '^State:.Z' "/proc/$1/status"; }
for process in $processes; do kill -s "\${process#*:}" "\${process%:*}" 2>/dev/null; done
left=100
for process in $processes; do
  while alive "\${process%:*}" && [ $left -gt 0 ]; do sleep 0.1; left=$((left - 1)); done
  kill -s KILL "\${process%:*}" 2>/dev/null
done
eval "$commands"
[ -z "$1" ] || rm -rf -- "$1"
`;

/**
 * Starts the watcher of a directory.
 *
 * @param kept a directory that exists and stays. Otherwise a temporary one is created.
 */
export async function openWorkspace(kept?: string): Promise<Workspace> {
  const directory = kept ?? (await mkdtemp(join(tmpdir(), 'passerelle-')));
  // In its own session: Ctrl-C in the terminal must not end the watcher.
  const watcher = spawn('sh', ['-c', WATCHER, 'sh', kept === undefined ? directory : ''], {
    cwd: '/',
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  await once(watcher, 'spawn');
  watcher.unref();
  // A killed watcher must not end this process.
  watcher.stdin.on('error', () => {});
  const gone = once(watcher, 'exit');
  return {
    name: basename(directory),
    directory,
    ownProcess: (pid, stopSignal) => void watcher.stdin.write(`process ${pid}:${stopSignal}\n`),
    disownProcess: (pid) => void watcher.stdin.write(`gone ${pid}\n`),
    atEnd: (command) => void watcher.stdin.write(`command ${command}\n`),
    clean: async () => {
      watcher.ref();
      watcher.stdin.end();
      await gone;
    },
  };
}
