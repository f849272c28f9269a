import { upstreamsEndpoint } from '../../api/endpoints.ts';
import { useAnswer } from '../../api/use-answer.ts';
import { Loadable } from '../../components/feedback/Loadable.tsx';
import { Card } from '../../components/layout/Card.tsx';
import { texts } from '../../i18n/texts.ts';
import { now } from '../../live/clock.ts';
import { returns } from '../../live/mirror.ts';
import { OdooHealth } from './OdooHealth.tsx';
import { TrytonHealth } from './TrytonHealth.tsx';

const EVERY_MS = 15_000;

/** How the two servers are, asked again every few seconds. */
export function UpstreamsCard() {
  const loaded = useAnswer(upstreamsEndpoint, `${Math.floor(now.value / EVERY_MS)} ${returns.value}`);
  return (
    <Card title={texts.value.overview.upstreams.title}>
      <Loadable of={loaded}>
        {({ odoo, tryton }) => (
          <div class="servers">
            <OdooHealth of={odoo} />
            <TrytonHealth of={tryton} />
          </div>
        )}
      </Loadable>
    </Card>
  );
}
