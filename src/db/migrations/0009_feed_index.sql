CREATE INDEX CONCURRENTLY IF NOT EXISTS "scrap_dimagaz_bc_feed" ON "scrap_dimagaz_bc" USING btree ("changed_xid","odoo_id");--> statement-breakpoint
-- Last: a process of the version before still reads by it.
DROP INDEX CONCURRENTLY IF EXISTS "scrap_dimagaz_bc_changed_xid";