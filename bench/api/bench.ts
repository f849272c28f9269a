import { count, type Ending, type Screen } from '../../dev/demo/context.ts';
import { withResources } from '../../src/shared/lifecycle.ts';
import type { Figure, Series } from '../frame/figure.ts';
import { inTurns } from '../frame/figure.ts';
import { PAGE, pageContender, pageOf } from './pages.ts';
import type { LoadOptions } from './rates.ts';
import { loadFigures } from './rates.ts';
import type { MirrorSize, ReadApi } from './stage.ts';
import { setReadStage } from './stage.ts';

interface ReadOptions extends MirrorSize, LoadOptions {}

/** The smaller mirror that a larger one is compared with. */
const SMALL = 10_000;
const DEEPEST_PAGE = 10_000;
/** Beside the first page, and beside the first one of a small mirror. */
const SAME_COST = { is: 'at most', ratio: 1.3 } as const;

/** Lists whose pages are to cost the same wherever they are. The last of their values is one in five BCs. */
const LISTS = [
  { id: 'id', query: 'sort=odoo_id', title: 'by id', share: 1 },
  { id: 'latest', query: 'sort=-date_order', title: 'latest order first', share: 1 },
  { id: 'state', query: 'state=done', title: 'of one state', share: 5 },
];
type List = (typeof LISTS)[number];

/**
 * The read API beside a bare route, and its pages beside each other.
 *
 * @throws BenchFailedError when anything was not answered as it has to be.
 */
export async function measureReadApi(
  options: ReadOptions,
  ending: Ending,
  screen: Screen,
): Promise<Figure[]> {
  return withResources(async (defer) => {
    const stage = await setReadStage({ ending, screen, defer });
    const api = await stage.api(options);
    screen.line('The list of 50 with lines beside a bare route');
    const list = api.list(`include=lines&limit=${PAGE}`);
    const figures = await loadFigures(list, await stage.bare(api, PAGE), options, ending);
    const small = options.documents > SMALL ? await stage.api({ ...options, documents: SMALL }) : null;
    for (const one of LISTS) {
      screen.line(`Pages of the list ${one.title}`);
      figures.push(...(await ending.before(pageFigures(one, api, small, options.rounds))));
    }
    return figures;
  });
}

/** A list's first page, one that is further on and a very late one; and its first page in a small mirror. */
async function pageFigures(
  list: List,
  api: ReadApi,
  small: ReadApi | null,
  rounds: number,
): Promise<Figure[]> {
  const last = Math.floor(api.documents / list.share / PAGE);
  const further = [100, DEEPEST_PAGE].map((page) => Math.min(page, last));
  const pages = [...new Set(further.filter((page) => page > 1))];
  const contenders = [pageContender('page 1', await pageOf(api, list.query, 1))];
  for (const page of pages) {
    contenders.push(pageContender(`page ${count(page)}`, await pageOf(api, list.query, page)));
  }
  if (small !== null) {
    const name = `page 1 of ${count(small.documents)} BC`;
    contenders.push(pageContender(name, await pageOf(small, list.query, 1)));
  }
  const series = await inTurns(rounds, contenders);
  const [first, ...others] = series;
  return others.flatMap((other, at) => {
    if (first === undefined) return [];
    const page = pages[at];
    const [ours, beside] = page === undefined ? [first, other] : [other, first];
    return [pageFigure(list, api, ours, beside)];
  });
}

function pageFigure(list: List, { documents }: ReadApi, ours: Series, beside: Series): Figure {
  const name = ours.name === 'page 1' ? 'size' : ours.name.replace('page ', 'page.').replace(',', '');
  return {
    id: `read.${list.id}.${name}`,
    title: `Read API, ${count(documents)} BC, list ${list.title}: ${ours.name}`,
    ...{ unit: 'ms', ours, beside, target: SAME_COST },
  };
}
