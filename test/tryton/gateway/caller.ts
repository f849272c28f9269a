import { createInterface } from 'node:readline';
import { pino } from 'pino';
import { clientOptions } from '../../../src/gateway.ts';
import { openRedis } from '../../../src/queues/redis.ts';
import { TrytonClient } from '../../../src/tryton/index.ts';

/**
 * A process of its own with the gateway's client. Lines on standard input say how many calls to make at once and
 * how many times each: `{"calls":32,"rounds":3}`. Answers `half` when half of them are through, then the outcome.
 */
const { config, redisUrl, prefix } = JSON.parse(process.env['CALLER'] ?? '{}');
const redis = openRedis(redisUrl, 'cache', pino({ level: 'silent' }));
const client = new TrytonClient(clientOptions(config, { redis, prefix }));
const say = (line: object) => process.stdout.write(`${JSON.stringify(line)}\n`);

async function work({ calls, rounds }: { calls: number; rounds: number }) {
  let answered = 0;
  const failures: string[] = [];
  const caller = async () => {
    for (let round = 0; round < rounds; round += 1) {
      try {
        await client.call('model.party.party.search_count', [[['id', '=', -1]]]);
        answered += 1;
        if (answered === Math.ceil((calls * rounds) / 2)) say({ half: true });
      } catch (error) {
        failures.push(`${Object(error).code}: ${error}`);
      }
    }
  };
  await Promise.all(Array.from({ length: calls }, caller));
  say({ answered, failures });
}

const lines = createInterface(process.stdin);
lines.on('line', (line) => void work(JSON.parse(line)));
lines.on('close', () => {
  redis.disconnect();
  void client.close();
});
say({ ready: true });
