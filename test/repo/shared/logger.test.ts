import { execFileSync, spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { afterEach, describe, expect, it } from 'vitest';
import type { TestSetup } from '../../support/test-setup.ts';
import { openTestSetup } from '../../support/test-setup.ts';
import { waitFor } from '../../support/wait-for.ts';
import type { WorkerProcess } from '../../support/worker-process.ts';
import { startWorkerProcess } from '../../support/worker-process.ts';

const ROOT = resolve(import.meta.dirname, '../../..');
const SAY = `
  const { createLogger } = await import('./src/shared/logger.ts');
  const log = createLogger('info', 'test', 'in batches', process.argv[1] === 'pretty');
  log.info({ runId: 7, password: 'hidden', reason: '\\u001b]0;pwn\\u0007\\u009b2J\\u202etxt' }, 'said');`;

/** The output of a logger on a terminal. `script` makes one. */
function onTerminal(how: 'pretty' | 'json'): string {
  const command = [
    process.execPath,
    '--import',
    'tsx',
    '--input-type=module',
    '-e',
    `'${SAY.replaceAll("'", '"')}'`,
    how,
  ];
  return execFileSync('script', ['-qec', command.join(' '), '/dev/null'], { cwd: ROOT }).toString();
}

describe('a log', () => {
  it.runIf(process.platform === 'linux')('on a terminal is for people to read, and hides secrets', () => {
    const text = onTerminal('pretty');
    expect(text).toContain('said');
    expect(text).toContain('runId');
    expect(text).not.toContain('{"level"');
    expect(text).not.toContain('hidden');
    // Only the colours of the log itself control the terminal.
    expect(text).toContain('\ufffd]0;pwn\ufffd\ufffd2J\ufffdtxt');
    expect(stripVTControlCharacters(text)).not.toMatch(/(?![\r\n\t])[\p{Cc}\u202a-\u202e\u2066-\u2069]/u);
  });

  it.runIf(process.platform === 'linux')('on a terminal is JSON on request', () => {
    const [line = ''] = onTerminal('json').split('\n');
    expect(JSON.parse(line)).toMatchObject({ runId: 7, msg: 'said', password: '[Redacted]' });
  });

  it('is JSON anywhere else, and complete when the process ends', () => {
    const args = ['--import', 'tsx', '--input-type=module', '-e', `${SAY} process.exit();`, 'pretty'];
    const { stderr } = spawnSync(process.execPath, args, { cwd: ROOT });
    expect(JSON.parse(stderr.toString())).toMatchObject({ runId: 7, msg: 'said' });
  });
});

describe('what a worker says of a job', () => {
  let setup: TestSetup;
  let worker: WorkerProcess;
  afterEach(async () => {
    worker.child.kill('SIGKILL');
    await setup.close();
  });

  it('names its queue, its job, its run and its BC, each once', async () => {
    setup = await openTestSetup({ sandbox: { documents: 20 }, env: { LOG_LEVEL: 'info' } });
    const [bad = 0] = setup.odoo.ids('dimagaz.bc');
    setup.odoo.faults.denyRecord('dimagaz.bc', bad);
    worker = startWorkerProcess(setup.env);
    const { id: runId } = await setup.run('full');
    const line = (message: string) =>
      waitFor(
        () =>
          worker
            .output()
            .split('\n')
            .find((text) => text.includes(`"msg":"${message}"`)),
        message,
      );
    const jobId = `bc-${runId}-${bad}-0`;
    for (const message of ['BC failed', 'job failed']) {
      const text = await line(message);
      expect(JSON.parse(text)).toMatchObject({ mirror: 'bc', queue: 'bc', jobId, runId, odooId: bad });
      for (const id of ['"runId"', '"jobId"', '"odooId"']) expect(text.split(id)).toHaveLength(2);
    }
    expect(JSON.parse(await line('planning'))).toMatchObject({ queue: 'sync', jobId: `run-${runId}`, runId });
  });
});
