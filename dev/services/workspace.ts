import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';

/** Label of every container of a workspace; its value is the workspace's name. */
export const CONTAINER_LABEL = 'passerelle.services';

/** A temporary directory and what runs in it: all removed by `clean`, or by itself once this process is gone. */
export interface Workspace {
  readonly name: string;
  readonly directory: string;
  ownProcess(pid: number, stopSignal: 'QUIT' | 'TERM'): void;
  /** It has ended: its number may be another process's by now. */
  disownProcess(pid: number): void;
  /** From now on every container that bears this workspace's label is removed at the end. */
  ownContainers(): void;
  clean(): Promise<void>;
}

/**
 * The watcher. Its standard input is a pipe that only we hold: it closes when we close it and when we vanish,
 * kill -9 included, so the ordinary end and the crash take the same road. It is plain sh, which is there
 * wherever Node is and does not care how our TypeScript is run.
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
rm -rf -- "$1"
if [ -n "$containers" ]; then
  ids=$(docker ps --all --quiet --filter "label=$2")
  [ -z "$ids" ] || docker rm --force --volumes $ids
fi
`;

/** Makes the directory and starts its watcher. */
export async function openWorkspace(): Promise<Workspace> {
  const directory = await mkdtemp(join(tmpdir(), 'passerelle-'));
  const name = basename(directory);
  // A session of its own: Ctrl-C in the terminal must not end the watcher before its work.
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
