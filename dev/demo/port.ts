import { createServer } from 'node:net';
import { PortTakenError } from './errors.ts';

const PORTS_TRIED = 100;

/**
 * The port asked for, or, where none was, the first free one from `port` on. 0 gives any.
 *
 * @throws PortTakenError
 */
export async function choosePort(host: string, port: number, asked: boolean): Promise<number> {
  const last = asked ? port : port + PORTS_TRIED;
  for (let candidate = port; candidate <= last; candidate += 1) {
    const free = await freePortAt(host, candidate);
    if (free !== null) return free;
  }
  throw new PortTakenError(host, port);
}

/** Listens for a moment; null if the port is taken. */
function freePortAt(host: string, port: number): Promise<number | null> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(null);
      else reject(error);
    });
    probe.listen(port, host, () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === 'object' && address !== null ? address.port : port));
    });
  });
}

/** Where a browser on this machine finds what listens on `host`. */
export function urlOf(host: string, port: number): string {
  if (host === '0.0.0.0') return `http://127.0.0.1:${port}`;
  if (host === '::') return `http://[::1]:${port}`;
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}
