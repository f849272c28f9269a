import { fastify } from 'fastify';
import { Redis } from 'ioredis';

/** The message to the parent once the route listens. */
export interface BareReady {
  readonly url: string;
}

/**
 * The yardstick in a process of its own: a Fastify route that takes the same requests as the gateway, asks Redis for
 * one value and sends it as the JSON text it is. No keys, limits, checks or logs.
 */
const [redisUrl = '', key = ''] = process.argv.slice(2);
const redis = new Redis(redisUrl);
const app = fastify();
app.post('/', async (_, reply) => reply.type('application/json; charset=utf-8').send(await redis.get(key)));
const url = await app.listen({ host: '127.0.0.1', port: 0 });
process.on('disconnect', () => process.exit(0));
const ready: BareReady = { url };
process.send?.(ready);
