import { Link } from '../components/layout/Link.tsx';
import { Title } from '../components/layout/Title.tsx';
import { texts } from '../i18n/texts.ts';
import { href } from '../router.ts';

export function NotFoundPage() {
  const { common } = texts.value;
  return (
    <>
      <Title text={common.notFound} />
      <p>
        <Link to={href('')}>{common.toOverview}</Link>
      </p>
    </>
  );
}
