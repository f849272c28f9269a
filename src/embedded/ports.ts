import { createServer } from 'node:net';
import { PortTakenError } from './errors.ts';

/** A port that was free a moment ago: `wanted`, or any. */
export async function freePort(wanted = 0, host = '127.0.0.1'): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.on('error', reject);
    probe.listen(wanted, host, () => {
      const address = probe.address();
      probe.close(() => {
        if (typeof address === 'object' && address !== null) resolve(address.port);
        else reject(new Error('The system gave no port'));
      });
    });
  });
}

const PORTS_TRIED = 100;

/**
 * The requested port; without a request the first free one from `port` on. 0 gives any port.
 *
 * @throws PortTakenError
 */
export async function choosePort(host: string, port: number, asked: boolean): Promise<number> {
  const last = asked ? port : port + PORTS_TRIED;
  for (let candidate = port; candidate <= last; candidate += 1) {
    try {
      return await freePort(candidate, host);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    }
  }
  throw new PortTakenError(host, port);
}

/** The address of a server for a browser on this machine, if the server listens on `host`. */
export function urlOf(host: string, port: number): string {
  if (host === '0.0.0.0') return `http://127.0.0.1:${port}`;
  if (host === '::') return `http://[::1]:${port}`;
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}
