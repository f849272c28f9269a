import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';

/** Label of every container of a workspace. Its value is the name of the workspace. */
export const CONTAINER_LABEL = 'passerelle.services';

/** A temporary directory with its processes and mounts. `clean` removes all, and so does the end of this process. */
export interface Workspace {
  readonly name: string;
  readonly directory: string;
  ownProcess(pid: number, stopSignal: 'QUIT' | 'TERM'): void;
  /** The process has ended, and another one may have its number now. */
  disownProcess(pid: number): void;
  /** From now on, all containers with the label of this workspace are removed at the end. */
  ownContainers(): void;
  clean(): Promise<void>;
}

/**
 * The watcher. Only we hold the pipe at its standard input. The pipe closes when we close it and when we die, also by
 * kill -9, so a normal end and a crash are handled alike. It is a plain sh script, because sh exists wherever Node
 * runs.
 */
const WATCHER = `
trap '' HUP INT QUIT TERM
processes= containers=
while read -r kind value; do
  case $kind in
    process) processes="$processes $value" ;;
    gone)
      left=
      for process in $processes; do [ "\${process%:*}" = "$value" ] || left="$left $process"; done
      processes=$left
      ;;
    containers) containers=yes ;;
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
if [ -r /proc/mounts ]; then
  while read -r _ mounted _; do case $mounted in "$1"/*) umount "$mounted" ;; esac; done </proc/mounts
fi
rm -rf -- "$1"
if [ -n "$containers" ]; then
  ids=$(docker ps --all --quiet --filter "label=$2")
  [ -z "$ids" ] || docker rm --force --volumes $ids
fi
`;

/** Creates the directory and starts its watcher. */
export async function openWorkspace(): Promise<Workspace> {
  const directory = await mkdtemp(join(tmpdir(), 'passerelle-'));
  const name = basename(directory);
  // In its own session: Ctrl-C in the terminal must not end the watcher.
  const watcher = spawn('sh', ['-c', WATCHER, 'sh', directory, `${CONTAINER_LABEL}=${name}`], {
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
    name,
    directory,
    ownProcess: (pid, stopSignal) => void watcher.stdin.write(`process ${pid}:${stopSignal}\n`),
    disownProcess: (pid) => void watcher.stdin.write(`gone ${pid}\n`),
    ownContainers: () => void watcher.stdin.write('containers\n'),
    clean: async () => {
      watcher.ref();
      watcher.stdin.end();
      await gone;
    },
  };
}
