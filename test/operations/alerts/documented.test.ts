import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openWebhook } from '../../../src/alerts/channels/webhook.ts';
import { testNotice } from '../../../src/alerts/notice.ts';
import type { Arrival, Receiver } from './receivers.ts';
import { startReceiver } from './receivers.ts';

const DOCUMENT = readFileSync(resolve(import.meta.dirname, '../../../docs/how-to/get-alerts.md'), 'utf8');
const code = (language: string) =>
  new RegExp(`\`\`\`${language}\\n([^\`]*(?:\`(?!\`\`)[^\`]*)*)\`\`\``).exec(DOCUMENT)?.[1] ?? '';

/** Prints whether a signature is valid, for the headers, body and secret that are given as JSON. */
const CHECKS = {
  node: (given: string) =>
    execFileSync(process.execPath, [
      ...['--input-type=module', '-e'],
      `${code('js')}\nconst { headers, body, secret } = JSON.parse(process.argv[1]);
       console.log(isGenuine(headers, body, secret));`,
      given,
    ]),
  python3: (given: string) =>
    execFileSync('python3', [
      '-c',
      `${code('python')}\nimport json, sys\ngiven = json.loads(sys.argv[1])
print(str(is_genuine(given["headers"], given["body"].encode(), given["secret"])).lower())`,
      given,
    ]),
};

function isThere(program: string): boolean {
  try {
    execFileSync(program, ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

describe.each(['any text will do, é', 'whsec_MDEyMzQ1Njc4OWFiY2RlZg=='])('signed with %s', (secret) => {
  let receiver: Receiver;
  let arrival: Arrival;
  beforeAll(async () => {
    receiver = await startReceiver();
    await openWebhook({ url: receiver.url, secret }).send(
      testNotice(new Date()),
      new AbortController().signal,
    );
    const [first] = receiver.arrivals;
    if (first === undefined) throw new Error('nothing arrived');
    arrival = first;
  });
  afterAll(() => receiver.stop());

  it.each((['node', 'python3'] as const).filter(isThere))(
    'a forged notice is recognised by the documented code for %s',
    (program) => {
      const check = (changed: object) =>
        CHECKS[program](JSON.stringify({ ...arrival, secret, ...changed }))
          .toString()
          .trim();
      expect(check({})).toBe('true');
      expect(check({ body: arrival.body.replace('test', 'tset') })).toBe('false');
      expect(check({ secret: `${secret.slice(0, -4)}aaaa` })).toBe('false');
      const headers = { ...arrival.headers, 'webhook-timestamp': '1700000000' };
      expect(check({ headers })).toBe('false');
    },
  );
});
