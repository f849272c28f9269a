import { compileCondition, malformedDomain, notADomain, type Predicate, visible } from './condition.ts';
import type { Context } from './fields.ts';
import type { Store, Table } from './store.ts';

/**
 * Compiles a domain like Odoo: prefix operators, implicit `&`, paths through relations, and `active_test`. Archived
 * rows are left out unless the context or a condition on `active` says otherwise.
 *
 * @throws PythonError with the message of the version.
 */
export function compileDomain(store: Store, table: Table, domain: unknown, context: Context): Predicate {
  if (!Array.isArray(domain)) throw notADomain(store.version, domain);
  const stack: Predicate[] = [];
  const take = () => {
    const predicate = stack.pop();
    if (!predicate) throw malformedDomain(store.version, domain);
    return predicate;
  };
  for (const item of [...domain].reverse()) {
    if (item === '!') stack.push(not(take()));
    else if (item === '&') stack.push(all([take(), take()]));
    else if (item === '|') stack.push(any([take(), take()]));
    else stack.push(compileCondition(store, table, item, context));
  }
  const mentionsActive = domain.some((item) => Array.isArray(item) && item[0] === 'active');
  return mentionsActive ? all(stack) : all([...stack, visible(table, context)]);
}

function all(predicates: readonly Predicate[]): Predicate {
  return (row) => predicates.every((predicate) => predicate(row));
}

function any(predicates: readonly Predicate[]): Predicate {
  return (row) => predicates.some((predicate) => predicate(row));
}

function not(predicate: Predicate): Predicate {
  return (row) => !predicate(row);
}

/**
 * The rows that a domain can match, by an index if a plain condition allows it: `id` or a stored many2one that is equal
 * to, or in, a list of ids. Undefined: any row may match.
 */
export function candidates(table: Table, domain: readonly unknown[]): Iterable<number> | undefined {
  if (domain.some((item) => item === '|' || item === '!')) return undefined;
  for (const item of domain) {
    const ids = Array.isArray(item) ? idsOf(item) : undefined;
    if (!ids) continue;
    const [name] = item as readonly unknown[];
    if (name === 'id') return new Set(ids);
    const field = table.fields.get(String(name));
    if (field?.type === 'many2one' && !field.compute) {
      return ids.flatMap((id) => [...table.pointingAt(String(name), id)]);
    }
  }
  return undefined;
}

/** The highest `n` of the conditions `id > n` that every match must meet; 0 without such a condition. */
export function leastId(domain: readonly unknown[]): number {
  if (domain.some((item) => item === '|' || item === '!')) return 0;
  const bounds = domain.map((item) =>
    Array.isArray(item) && item[0] === 'id' && item[1] === '>' ? Number(item[2]) : 0,
  );
  return Math.max(0, ...bounds.filter((bound) => !Number.isNaN(bound)));
}

function idsOf([, operator, bound]: readonly unknown[]): number[] | undefined {
  const bounds = operator === 'in' && Array.isArray(bound) ? bound : operator === '=' ? [bound] : [];
  return bounds.length > 0 && bounds.every((id) => typeof id === 'number') ? [...new Set(bounds)] : undefined;
}
