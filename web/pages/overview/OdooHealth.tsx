import type { Upstreams } from '../../api/answers.ts';
import type { Fact } from '../../components/data/Facts.tsx';
import { Facts } from '../../components/data/Facts.tsx';
import { Ago } from '../../components/data/Moment.tsx';
import { duration } from '../../i18n/format.ts';
import { texts } from '../../i18n/texts.ts';
import { ServerHead } from './ServerHead.tsx';

type Odoo = NonNullable<Upstreams['odoo']>;

/** Odoo as a worker last saw it. */
export function OdooHealth({ of: odoo }: { readonly of: Upstreams['odoo'] }) {
  const { upstreams } = texts.value.overview;
  if (odoo === null) return <ServerHead name="Odoo" tone="plain" words={upstreams.notConfigured} />;
  const { lastSuccess, lastError } = odoo;
  if (lastSuccess === null && lastError === null) {
    return <ServerHead name="Odoo" tone="plain" words={upstreams.unseen} />;
  }
  const isWell = lastError === null || (lastSuccess !== null && lastSuccess.at >= lastError.at);
  return (
    <div class="server">
      <ServerHead
        name="Odoo"
        tone={isWell ? 'ok' : 'bad'}
        words={isWell ? upstreams.well : upstreams.troubled}
      />
      <Facts of={factsOf(odoo)} />
      {lastError !== null && !isWell && <p class="reason">{lastError.message}</p>}
    </div>
  );
}

function factsOf({ latencyMs, version, protocol, lastSuccess, lastError }: Odoo): Fact[] {
  const { upstreams } = texts.value.overview;
  return [
    ...(latencyMs === null ? [] : [[upstreams.latency, duration(latencyMs)] as const]),
    ...(version === null ? [] : [[upstreams.version, version] as const]),
    ...(protocol === null ? [] : [[upstreams.protocol, protocol] as const]),
    [upstreams.lastSuccess, <Ago key="success" at={lastSuccess?.at ?? null} />],
    ...(lastError === null ? [] : [[upstreams.lastError, <Ago key="error" at={lastError.at} />] as const]),
  ];
}
