import { useEffect, useId, useRef } from 'preact/hooks';
import { texts } from '../../i18n/texts.ts';

interface ConfirmProps {
  readonly title: string;
  readonly hint: string;
  readonly action: string;
  readonly onYes: () => void;
  readonly onClose: () => void;
}

/** Asks before something that takes long. The browser's own dialog: it keeps the focus inside, Escape closes it. */
export function Confirm({ title, hint, action, onYes, onClose }: ConfirmProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => dialog.current?.showModal(), []);
  const close = () => dialog.current?.close();
  return (
    <dialog ref={dialog} aria-labelledby={id} onClose={onClose}>
      <h2 id={id}>{title}</h2>
      <p>{hint}</p>
      <div class="buttons">
        <button
          type="button"
          class="primary"
          onClick={() => {
            onYes();
            close();
          }}
        >
          {action}
        </button>
        <button type="button" onClick={close}>
          {texts.value.common.cancel}
        </button>
      </div>
    </dialog>
  );
}
