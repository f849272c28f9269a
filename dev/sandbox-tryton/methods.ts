import { Abort, pythonError } from './errors.ts';
import { describeFields, read, search } from './reading.ts';
import type { Store } from './store.ts';
import type { Dictionary, Value } from './values.ts';
import { isPlain } from './values.ts';
import { create, isButton, press, remove, type Writer, write } from './writing.ts';

/** A call of a model's method, without its context. */
interface ModelCall extends Writer {
  readonly store: Store;
  readonly model: string;
  readonly params: readonly Value[];
}

interface Method {
  /** The value of the `X-Tryton-Cache` header, from 5.2 on. */
  readonly cacheSeconds?: number;
  run(call: ModelCall): Value;
}

const DAY_SECONDS = 86_400;

/** The methods of every stored model. */
const METHODS: Readonly<Record<string, Method>> = {
  create: {
    run: ({ store, model, params: [list = null], ...writer }) =>
      items(list).map((values) => create(store, model, plain(values), writer)),
  },
  read: {
    run: ({ store, model, params: [ids = null, names = null], context }) =>
      read(store, model, idsOf(store, ids), namesOf(store, names), context),
  },
  write: {
    run: ({ store, model, params, ...writer }) => {
      for (let at = 0; at < params.length; at += 2)
        write(store, model, idsOf(store, params[at] ?? null), plain(params[at + 1] ?? null), writer);
      return null;
    },
  },
  delete: {
    run: ({ store, model, params: [ids = null], context }) => {
      remove(store, model, idsOf(store, ids), context);
      return null;
    },
  },
  copy: {
    run: ({ store, model, params: [ids = null, changes = null], ...writer }) =>
      read(store, model, idsOf(store, ids), null, {}).map((row) =>
        create(store, model, { ...copyable(store, model, row), ...plain(changes) }, writer),
      ),
  },
  search: {
    run: ({ store, model, params: [domain = null, offset, limit, order], context }) =>
      search(store, model, domain, { offset, limit, order }, context),
  },
  search_count: {
    run: ({ store, model, params: [domain = null], context }) =>
      search(store, model, domain, {}, context).length,
  },
  search_read: {
    run: ({ store, model, params: [domain = null, offset, limit, order, names = null], context }) => {
      const found = search(store, model, domain, { offset, limit, order }, context);
      const all = store.version === '5.0' ? null : [];
      return read(store, model, found, names === null ? all : namesOf(store, names), context);
    },
  },
  fields_get: {
    cacheSeconds: DAY_SECONDS,
    run: ({ store, model, params: [names = null] }) =>
      describeFields(store, model, names === null ? null : items(names).map(String)),
  },
  default_get: {
    cacheSeconds: 300,
    run: ({ store, model, params: [names = null] }) => {
      const filled = items(names).map(
        (name) => [String(name), store.field(model, String(name)).fill] as const,
      );
      return Object.fromEntries(
        filled.flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const])),
      );
    },
  },
  get_preferences: { run: ({ store, userId }) => preferences(store, userId) },
};

const ONLY_SOME = new Set(['get_preferences']);

/** The method of the model. @throws Abort 403 for one that it does not offer. */
export function methodOf(store: Store, model: string, name: string): Method {
  const { definition } = store.table(model);
  if (isButton(model, name))
    return {
      run: ({ params: [ids = null], context, userId }) => {
        press(store, model, name, idsOf(store, ids), { context, userId });
        return null;
      },
    };
  const method = METHODS[name];
  const isOffered = !ONLY_SOME.has(name) || definition.methods?.includes(name);
  if (method === undefined || !isOffered) throw new Abort(403);
  return method;
}

/** `system.listMethods` */
export function listMethods(store: Store): string[] {
  const common = Object.keys(METHODS).filter((name) => !ONLY_SOME.has(name));
  return store.models.flatMap((model) =>
    [...common, ...(store.table(model).definition.methods ?? [])].map((name) => `model.${model}.${name}`),
  );
}

/** Values that a copy keeps: no link back to it, nothing counted or computed. */
function copyable(store: Store, model: string, row: Dictionary): Dictionary {
  const kept = [
    ...(store.table(model).definition.fields && Object.entries(store.table(model).definition.fields)),
  ];
  const names = kept.filter(
    ([name, field]) => !field.compute && field.type !== 'one2many' && name !== 'code',
  );
  return Object.fromEntries(names.map(([name]) => [name, row[name] ?? null]));
}

function preferences(store: Store, userId: number): Value {
  const user = store.row('res.user', userId);
  const language = store.row('ir.lang', user?.['language'])?.['code'] ?? 'en';
  const shared = { language, language_direction: 'ltr', groups: [1, 2, 3] };
  if (store.version === '5.0') return { employee: null, company: user?.['company'] ?? null, ...shared };
  return { company_filter: 'one', ...(user?.['company'] && { company: user['company'] }), ...shared };
}

const items = (value: Value): readonly Value[] => (Array.isArray(value) ? value : []);

const plain = (value: Value): Dictionary => (isPlain(value) ? value : {});

function idsOf(store: Store, value: Value): number[] {
  if (!Array.isArray(value))
    throw pythonError(
      store.version === '7.0'
        ? `'${kindOf(value)}' object is not iterable`
        : `object of type '${kindOf(value)}' has no len()`,
    );
  return value.map((id) => {
    if (typeof id === 'number') return id;
    throw pythonError(`invalid literal for int() with base 10: '${String(id)}'`);
  });
}

function namesOf(store: Store, value: Value): string[] | null {
  if (Array.isArray(value)) return value.map(String);
  if (value === null && store.version === '5.0') return null;
  throw pythonError(`'${kindOf(value)}' object is not iterable`);
}

const KINDS: Readonly<Record<string, string>> = { number: 'int', string: 'str', boolean: 'bool' };

/** Python's name of a value's type. */
export function kindOf(value: Value): string {
  if (value === null) return 'NoneType';
  return Array.isArray(value) ? 'list' : (KINDS[typeof value] ?? 'dict');
}
