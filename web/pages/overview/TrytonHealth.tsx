import type { Upstreams } from '../../api/answers.ts';
import type { Fact } from '../../components/data/Facts.tsx';
import { Facts } from '../../components/data/Facts.tsx';
import { Ago } from '../../components/data/Moment.tsx';
import { duration, moment, percent } from '../../i18n/format.ts';
import { texts } from '../../i18n/texts.ts';
import { ServerHead } from './ServerHead.tsx';

type Tryton = NonNullable<Upstreams['tryton']>;

/** Tryton as the gateway sees it. */
export function TrytonHealth({ of: tryton }: { readonly of: Upstreams['tryton'] }) {
  const { upstreams } = texts.value.overview;
  if (tryton === null) return <ServerHead name="Tryton" tone="plain" words={upstreams.notConfigured} />;
  const { reachable, authenticated, error } = tryton;
  const isWell = reachable && authenticated;
  const words = isWell ? upstreams.well : reachable ? upstreams.refused : upstreams.down;
  return (
    <div class="server">
      <ServerHead name="Tryton" tone={isWell ? 'ok' : 'bad'} words={words} />
      <Facts of={factsOf(tryton)} />
      {error !== null && <p class="reason">{error.message}</p>}
    </div>
  );
}

function factsOf({ latencyMs, version, circuit, cacheHitRate, lastSuccess, lastError }: Tryton): Fact[] {
  const { upstreams } = texts.value.overview;
  return [
    ...(latencyMs === null ? [] : [[upstreams.latency, duration(latencyMs)] as const]),
    ...(version === null ? [] : [[upstreams.version, version] as const]),
    [
      upstreams.circuit,
      circuit === null ? upstreams.circuitClosed : upstreams.circuitOpen(moment(new Date(circuit.until))),
    ],
    [
      upstreams.cache,
      cacheHitRate === null ? upstreams.cacheUnused : upstreams.cacheOf(percent(cacheHitRate)),
    ],
    [upstreams.lastSuccess, <Ago key="success" at={lastSuccess?.at ?? null} />],
    ...(lastError === null ? [] : [[upstreams.lastError, <Ago key="error" at={lastError.at} />] as const]),
  ];
}
