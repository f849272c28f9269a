import { request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test, vi } from 'vitest';
import { waitFor } from '../../support/wait-for.ts';
import { bearer } from '../http/start-api.ts';
import { startTrytonApi } from './tryton-api.ts';

const READ = { method: 'model.party.party.read', params: [[1], ['name']] };

test.each([
  ['a read', false, 'callWire'],
  ['a cached read', 60, 'cachedCallJson'],
] as const)('%s in progress is abandoned when its client disconnects', async (_case, cache, by) => {
  const api = await startTrytonApi({ TRYTON_TIMEOUT_MS: '60000', TRYTON_DEADLINE_MS: '60000' });
  const { tryton, sandbox } = api;
  if (tryton === null) throw new Error('no gateway');
  // Nobody is left to be answered: what becomes of the call shows in the call alone.
  const calls = vi.spyOn(tryton, by);
  onTestFinished(() => api.close());
  await api.rpc(READ);
  await api.app.listen({ port: 0, host: '127.0.0.1' });
  const { port } = api.app.server.address() as AddressInfo;
  calls.mockClear();
  sandbox.calls.length = 0;
  sandbox.faults.next(1, 'hang');
  const headers = { 'content-type': 'application/json', ...bearer(api.key) };
  const asked = request({ port, method: 'POST', path: '/api/v1/tryton/rpc', headers });
  asked.on('error', () => {});
  asked.end(JSON.stringify({ ...READ, cache }));
  await waitFor(() => sandbox.calls.length > 0, 'the call to arrive at Tryton');
  asked.destroy();
  await expect(calls.mock.results[0]?.value).rejects.toMatchObject({ code: 'client_gone' });
  await sandbox.stop();
});
