import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { guardAdmin, guardAdminData } from '../admin-access.ts';
import type { Api } from '../app.ts';
import type { ApiDeps } from '../deps.ts';
import { boardRoutes } from './board.ts';
import { dashboardRoutes, unknownData } from './dashboard.ts';
import type { Shared } from './mirror.ts';
import { mirrorRoutes } from './mirror.ts';

/**
 * What the admin's login opens: the dashboard at /admin, its data, and bull-board. The data are the routes of /api/v1
 * once more, under /admin/api/v1.
 *
 * @param webRoot folder of the built dashboard.
 */
export async function adminRoutes(api: Api, deps: ApiDeps, shared: Shared, webRoot: string): Promise<void> {
  await api.register(async (scope) => {
    await guardAdmin(scope, deps);
    await boardRoutes(scope, deps);
    await dashboardRoutes(scope, webRoot);
    await scope.register(
      async (data) => {
        guardAdminData(data);
        await mirrorRoutes(data.withTypeProvider<ZodTypeProvider>(), deps, shared);
        unknownData(data);
      },
      { prefix: '/admin' },
    );
  });
}
