import { BlockList, isIPv6 } from 'node:net';
import type { Config } from '../../config/index.ts';
import type { Log } from '../../shared/logger.ts';

type Trusted = Config['http']['trustProxy'];

const LOOPBACK = [
  ['127.0.0.0', 8],
  ['::1', 128],
] as const;
/** Networks of offices, clusters and containers: callers may be in them. */
const PRIVATE = [
  ['10.0.0.0', 8],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
  ['100.64.0.0', 10],
  ['169.254.0.0', 16],
  ['fc00::', 7],
  ['fe80::', 10],
] as const;

const family = (address: string) => (isIPv6(address) ? 'ipv6' : 'ipv4');

function listOf(networks: readonly (readonly [address: string, bits: number])[]): BlockList {
  const list = new BlockList();
  for (const [address, bits] of networks) list.addSubnet(address, bits, family(address));
  return list;
}

/**
 * The proxies that Fastify trusts. A number counts them from the API on: the address before the last of them is the
 * client. The peer must then have a private or loopback address, because a number says nothing about the peer: a client
 * that reaches the API directly, past the proxy, could claim any address.
 */
export function trustedProxies(
  trusted: Trusted,
): false | string[] | ((address: string, hop: number) => boolean) {
  if (typeof trusted !== 'number') return trusted;
  const near = listOf([...LOOPBACK, ...PRIVATE]);
  return (address, hop) => hop < trusted && (hop > 0 || near.check(address, family(address)));
}

/** A larger network contains other machines than proxies. */
const WIDEST = { ipv4: 24, ipv6: 64 } as const;

/** Warns about a private network that is too large to contain proxies only. Each member can claim any address. */
export function warnOfWideNetworks(trusted: Trusted, log: Pick<Log, 'warn'>): void {
  const networks = Array.isArray(trusted) ? trusted.filter(isWide) : [];
  if (networks.length === 0) return;
  log.warn(
    { networks },
    'TRUST_PROXY trusts large private networks: each machine in them can claim any client address. ' +
      'Name the proxies, or their number',
  );
}

function isWide(network: string): boolean {
  if (network === 'linklocal' || network === 'uniquelocal') return true;
  const [address = '', bits] = network.split('/');
  if (bits === undefined || Number(bits) >= WIDEST[family(address)]) return false;
  const own = listOf([[address, Number(bits)]]);
  // Either contains the other, if they have anything in common.
  return PRIVATE.some(
    ([start, prefix]) =>
      family(start) === family(address) &&
      (own.check(start, family(start)) || listOf([[start, prefix]]).check(address, family(address))),
  );
}
