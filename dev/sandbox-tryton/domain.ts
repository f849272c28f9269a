import { keyError, pythonError } from './errors.ts';
import type { Row } from './models/fields.ts';
import type { Store } from './store.ts';
import { compareNumbers, isDictionary, numeral, tagOf, type Value } from './values.ts';

type Test = (row: Row) => boolean;

/** The matching ids of `model`, in no order. Inactive records are left out, as on the server. */
export function matching(store: Store, model: string, domain: Value, activeTest: boolean): Row[] {
  const hidesInactive = activeTest && store.table(model).fields.has('active');
  const test = compile(store, model, hidesInactive ? activeOnly(domain) : domain);
  return [...store.table(model).rows.values()].filter(test);
}

const ACTIVE: Value = ['active', '=', true];

/** Adds `active = true` to each level of the domain that has no clause about `active` of its own. */
function activeOnly(domain: Value): Value {
  if (!Array.isArray(domain)) return domain;
  if (isClause(domain)) return domain[0] === 'active' ? domain : ['AND', domain, ACTIVE];
  const isOr = domain[0] === 'OR';
  const parts = flattened(domain, isOr);
  const isNamed = parts.some((part) => Array.isArray(part) && isClause(part) && part[0] === 'active');
  const inner = parts.map((part) => (Array.isArray(part) && !isClause(part) ? activeOnly(part) : part));
  const level = [isOr ? 'OR' : 'AND', ...inner];
  return isNamed ? level : ['AND', level, ACTIVE];
}

/** The parts of a level, with those of nested levels that have the same operator. */
function flattened(domain: readonly Value[], isOr: boolean): readonly Value[] {
  const parts = typeof domain[0] === 'string' ? domain.slice(1) : domain;
  return parts.flatMap((part) => {
    const isSame = Array.isArray(part) && part.length > 0 && !isClause(part) && (part[0] === 'OR') === isOr;
    return isSame ? flattened(part, isOr) : [part];
  });
}

function compile(store: Store, model: string, domain: Value): Test {
  if (!Array.isArray(domain)) throw tooDeep(store);
  if (isClause(domain)) return clause(store, model, domain);
  const isOr = domain[0] === 'OR';
  const parts = typeof domain[0] === 'string' ? domain.slice(1) : domain;
  const tests = parts.map((part) => compile(store, model, part));
  return isOr ? (row) => tests.some((test) => test(row)) : (row) => tests.every((test) => test(row));
}

/** Python's error for an invalid domain. */
const tooDeep = (store: Store) =>
  pythonError(`maximum recursion depth exceeded${store.version === '7.0' ? '' : ' in __instancecheck__'}`);

const isClause = (domain: readonly Value[]): boolean =>
  domain.length >= 3 && typeof domain[0] === 'string' && domain[0] !== 'AND' && domain[0] !== 'OR';

function clause(store: Store, model: string, [path, operator, operand]: readonly Value[]): Test {
  const [name = '', ...rest] = String(path).split('.');
  const field = name === 'rec_name' ? undefined : store.field(model, name);
  if (!isOperator(operator)) throw tooDeep(store);
  if (rest.length > 0) return related(store, model, name, [rest.join('.'), operator, operand ?? null]);
  if (operator === 'where') return related(store, model, name, operand ?? null);
  const relation = field?.relation;
  const isNamed = relation !== undefined && typeof operand === 'string';
  if (isWholeNumber(field?.type) && !isNamed) checkNumbers(operand);
  if (field?.type === 'one2many')
    return (row) => list(store.value(model, row, name)).some((id) => compare(operator, id, operand ?? null));
  return (row) => {
    const value = store.value(model, row, name);
    const target = isNamed ? store.row(relation, value) : undefined;
    return compare(operator, target ? store.recName(relation ?? '', target) : value, operand ?? null);
  };
}

/** A condition on the records that a field refers to. */
function related(store: Store, model: string, name: string, domain: Value): Test {
  const { relation } = store.field(model, name);
  if (relation === undefined) throw keyError(name);
  const test = compile(store, relation, domain);
  return (row) => {
    const targets = list(store.value(model, row, name)).map((id) => store.row(relation, id));
    return targets.some((target) => target !== undefined && test(target));
  };
}

const list = (value: Value): readonly Value[] => (Array.isArray(value) ? value : [value]);

const isWholeNumber = (type: string | undefined) => type === 'integer' || type === 'many2one';

function checkNumbers(operand: Value | undefined): void {
  for (const item of typeof operand === 'string'
    ? [...operand]
    : Array.isArray(operand)
      ? operand
      : [operand])
    if (typeof item === 'string' && !/^\s*[+-]?\d+\s*$/.test(item))
      throw pythonError(`invalid literal for int() with base 10: '${item}'`);
}

const OPERATORS: Readonly<Record<string, (value: Value, operand: Value) => boolean>> = {
  '=': (value, operand) => equal(value, operand),
  '!=': (value, operand) => !equal(value, operand),
  in: (value, operand) => list(operand).some((item) => equal(value, item)),
  'not in': (value, operand) => !list(operand).some((item) => equal(value, item)),
  '<': (value, operand) => bothGiven(value, operand) && order(value, operand) < 0,
  '>': (value, operand) => bothGiven(value, operand) && order(value, operand) > 0,
  '<=': (value, operand) => bothGiven(value, operand) && order(value, operand) <= 0,
  '>=': (value, operand) => bothGiven(value, operand) && order(value, operand) >= 0,
  like: (value, operand) => pattern(operand, '').test(String(value ?? '')),
  'not like': (value, operand) => !pattern(operand, '').test(String(value ?? '')),
  ilike: (value, operand) => pattern(operand, 'i').test(String(value ?? '')),
  'not ilike': (value, operand) => !pattern(operand, 'i').test(String(value ?? '')),
};

const isOperator = (operator: Value | undefined): operator is string =>
  typeof operator === 'string' && (operator in OPERATORS || operator === 'where');

const compare = (operator: string, value: Value, operand: Value): boolean =>
  OPERATORS[operator]?.(value, operand) ?? false;

const bothGiven = (value: Value, operand: Value) => value !== null && operand !== null;

function pattern(operand: Value, flags: string): RegExp {
  const escaped = String(operand).replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
  return new RegExp(`^${escaped.replaceAll('%', '[^]*').replaceAll('_', '[^]')}$`, flags);
}

const equal = (value: Value, operand: Value): boolean =>
  value === null || operand === null ? (value ?? false) === (operand ?? false) : order(value, operand) === 0;

/** PostgreSQL's order of two values of one type. */
export function order(left: Value, right: Value): number {
  if (numeral(left) !== null && numeral(right) !== null) return compareNumbers(left, right);
  const [one, other] = [sortable(left), sortable(right)];
  return one === other ? 0 : one < other ? -1 : 1;
}

const MOMENT = ['year', 'month', 'day', 'hour', 'minute', 'second', 'microsecond'];

function sortable(value: Value): string {
  if (isDictionary(value) && tagOf(value) !== null && 'year' in value)
    return MOMENT.map((part) => String(value[part] ?? 0).padStart(6, '0')).join('-');
  return isDictionary(value) ? JSON.stringify(value) : String(value);
}
