import { ago, moment } from '../../i18n/format.ts';
import { texts } from '../../i18n/texts.ts';
import { now } from '../../live/clock.ts';

/** A moment in full. */
export function Moment({ at }: { readonly at: string | null }) {
  if (at === null) return <>{texts.value.common.none}</>;
  return <time dateTime={at}>{moment(new Date(at))}</time>;
}

/** How long ago a moment was, counting; in full when pointed at. */
export function Ago({ at }: { readonly at: string | null }) {
  if (at === null) return <>{texts.value.common.never}</>;
  const date = new Date(at);
  return (
    <time dateTime={at} title={moment(date)}>
      {ago(now.value - date.getTime())}
    </time>
  );
}
