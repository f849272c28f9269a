import { useState } from 'preact/hooks';
import { resyncAt, startRunEndpoint } from '../../api/endpoints.ts';
import { useRequest } from '../../api/use-request.ts';
import { Outcome } from '../../components/feedback/Outcome.tsx';
import { Confirm } from '../../components/layout/Confirm.tsx';
import { Icon } from '../../components/layout/Icon.tsx';
import { texts } from '../../i18n/texts.ts';
import { mirrorName } from '../../live/mirrors.ts';

/** The buttons that ask for a run, and what came of the last one pressed. */
export function RunButtons() {
  const { actions } = texts.value;
  const { requested, send, isBusy } = useRequest();
  const [asking, setAsking] = useState(false);
  const start = (mode: 'incremental' | 'full' | 'sweep') =>
    void send(startRunEndpoint, { mode, mirror: mirrorName.value ?? undefined });
  return (
    <div class="actions">
      <fieldset class="buttons" disabled={isBusy}>
        <legend class="unseen">{actions.title}</legend>
        <button
          type="button"
          class="primary"
          title={actions.syncNowHint}
          onClick={() => start('incremental')}
        >
          <Icon name="sync" /> {actions.syncNow}
        </button>
        <button type="button" title={actions.fullHint} onClick={() => setAsking(true)}>
          {actions.full}
        </button>
        <button type="button" title={actions.sweepHint} onClick={() => start('sweep')}>
          {actions.sweep}
        </button>
      </fieldset>
      <ResyncForm isBusy={isBusy} onResync={(id) => void send(resyncAt(id))} />
      <Outcome of={requested} />
      {asking && (
        <Confirm
          title={actions.fullTitle}
          hint={actions.fullHint}
          action={actions.full}
          onYes={() => start('full')}
          onClose={() => setAsking(false)}
        />
      )}
    </div>
  );
}

interface ResyncFormProps {
  readonly isBusy: boolean;
  readonly onResync: (id: number) => void;
}

function ResyncForm({ isBusy, onResync }: ResyncFormProps) {
  const { actions } = texts.value;
  const [id, setId] = useState('');
  return (
    <form
      class="inline"
      onSubmit={(event) => {
        event.preventDefault();
        onResync(Number(id));
      }}
    >
      <input
        type="number"
        inputMode="numeric"
        min="1"
        max="999999999999999"
        required
        aria-label={actions.resyncLabel}
        placeholder={actions.resyncExample}
        value={id}
        onInput={({ currentTarget }) => setId(currentTarget.value)}
      />
      <button type="submit" disabled={isBusy}>
        {actions.resync}
      </button>
    </form>
  );
}
