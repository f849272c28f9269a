/** Groups items by key and keeps their order. Node 20 has no `Map.groupBy`. */
export function groupBy<Item, Key>(items: Iterable<Item>, keyOf: (item: Item) => Key): Map<Key, Item[]> {
  const lists = new Map<Key, Item[]>();
  for (const item of items) {
    const key = keyOf(item);
    const list = lists.get(key);
    if (list === undefined) lists.set(key, [item]);
    else list.push(item);
  }
  return lists;
}

/** Splits a list in order, so that no group exceeds the limit. An item above the limit is a group of its own. */
export function inGroups<T>(
  items: readonly T[],
  bytesOf: (item: T) => number,
  most: { readonly bytes: number; readonly count: number },
): T[][] {
  const groups: T[][] = [];
  let room = 0;
  for (const item of items) {
    const bytes = bytesOf(item);
    const last = groups.at(-1);
    if (last === undefined || last.length === most.count || bytes > room) {
      groups.push([item]);
      room = most.bytes - bytes;
    } else {
      last.push(item);
      room -= bytes;
    }
  }
  return groups;
}
