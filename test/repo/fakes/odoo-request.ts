import type { SandboxOdoo } from '../../../dev/sandbox-odoo/sandbox.ts';

/** One `execute_kw` over JSON-RPC, raw: the whole answer. */
export async function execute(
  sandbox: SandboxOdoo,
  model: string,
  method: string,
  args: readonly unknown[],
  keywords: object = {},
): Promise<{ result?: unknown; error?: { code: number; data: { name: string; message: string } } }> {
  const params = {
    service: 'object',
    method: 'execute_kw',
    args: [sandbox.db, 2, sandbox.password, model, method, args, keywords],
  };
  const response = await fetch(`${sandbox.url}/jsonrpc`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ jsonrpc: '2.0', method: 'call', params, id: 1 }),
  });
  const answer: unknown = await response.json();
  return Object(answer);
}

/** The ids of a search, in the order given. */
export async function search(
  sandbox: SandboxOdoo,
  model: string,
  domain: readonly unknown[],
  keywords: object = {},
): Promise<unknown> {
  const { result, error } = await execute(sandbox, model, 'search', [domain], keywords);
  return error?.data.message ?? result;
}
