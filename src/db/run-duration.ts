import { sql } from 'drizzle-orm';

/** Milliseconds since a run of `sync_log` began, or was asked for, by PostgreSQL's clock, which may be set back. */
export const elapsedMs = sql`greatest(0, extract(epoch from clock_timestamp() - coalesce(started_at, requested_at)) * 1000)`;

/** The same as far as `duration_ms` holds it, 24.8 days: workers may have been stopped for longer than that. */
export const durationMs = sql`least(${elapsedMs}, 2147483647)::int`;
