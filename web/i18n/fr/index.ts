import { actions } from './actions.ts';
import { bc } from './bc.ts';
import { common } from './common.ts';
import { mirrors } from './mirrors.ts';
import { overview } from './overview.ts';
import { problems } from './problems.ts';
import { runs } from './runs.ts';

export const fr = { common, mirrors, overview, actions, runs, bc, problems };
