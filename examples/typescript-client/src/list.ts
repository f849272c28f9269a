import { connect, dataOf } from './client.ts';

/** Prints the ten largest confirmed BCs, page by page. */
const client = connect();
let cursor: string | undefined;
let printed = 0;
do {
  const page = dataOf(
    await client.GET('/api/v1/bc', {
      params: {
        query: {
          filter: { state: { in: 'confirmed,done' }, amount_total: { gt: '0' } },
          sort: '-amount_total',
          fields: 'name,state,amount_total',
          limit: 5,
          ...(cursor === undefined ? {} : { cursor }),
        },
      },
    }),
  );
  for (const { odooId, fields } of page.items) {
    process.stdout.write(`${odooId}  ${fields['name']}  ${fields['state']}  ${fields['amount_total']}\n`);
  }
  printed += page.items.length;
  cursor = page.nextCursor ?? undefined;
} while (cursor !== undefined && printed < 10);
