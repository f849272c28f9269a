import { texts } from '../../i18n/texts.ts';
import { connection } from '../../live/mirror.ts';
import { Icon } from '../layout/Icon.tsx';

/** A notice that the page may be old, while the service cannot be reached. */
export function ConnectionNotice() {
  if (connection.value !== 'lost') return null;
  return (
    <p class="notice bad" role="alert">
      <Icon name="alert" /> {texts.value.common.connectionLost}
    </p>
  );
}
