import { texts } from '../../i18n/texts.ts';
import { connection } from '../../live/mirror.ts';

/** Whether the page follows the service, in colour and in words. */
export function ConnectionStatus() {
  return (
    <span class={`connection ${connection.value}`} role="status">
      {texts.value.common.connections[connection.value]}
    </span>
  );
}
