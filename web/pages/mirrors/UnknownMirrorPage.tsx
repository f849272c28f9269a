import { Link } from '../../components/layout/Link.tsx';
import { Title } from '../../components/layout/Title.tsx';
import { texts } from '../../i18n/texts.ts';
import { mirrors } from '../../live/mirrors.ts';
import { hrefIn } from '../../router.ts';

/** The address names a mirror that the service does not have. */
export function UnknownMirrorPage({ name }: { readonly name: string }) {
  const { mirrors: words } = texts.value;
  return (
    <>
      <Title text={words.unknown(name)} />
      <p>{words.unknownHint}</p>
      <ul class="names">
        {mirrors.value?.map((one) => (
          <li key={one.name}>
            <Link to={hrefIn(one.name, '')}>{one.name}</Link> <span class="quiet">{one.model}</span>
          </li>
        ))}
      </ul>
    </>
  );
}
