import { Icon } from '../../components/layout/Icon.tsx';

const ICONS = { ok: 'check', bad: 'alert', plain: 'minus' } as const;

interface ServerHeadProps {
  readonly name: string;
  readonly tone: keyof typeof ICONS;
  readonly words: string;
}

/** A server's name and how it is. */
export function ServerHead({ name, tone, words }: ServerHeadProps) {
  return (
    <div class="server-head">
      <h3>{name}</h3>
      <span class={`badge ${tone}`}>
        <Icon name={ICONS[tone]} />
        {words}
      </span>
    </div>
  );
}
