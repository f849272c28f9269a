CREATE SEQUENCE "public"."fetch_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1;--> statement-breakpoint
CREATE TABLE "scrap_dimagaz_bc" (
	"id" bigserial PRIMARY KEY NOT NULL,
	"odoo_id" bigint NOT NULL,
	"fields" jsonb NOT NULL,
	"odoo_create_date" timestamp with time zone,
	"odoo_write_date" timestamp with time zone,
	"content_hash" text NOT NULL,
	"binary_sizes" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"fetch_seq" bigint NOT NULL,
	"fetched_at" timestamp with time zone NOT NULL,
	"synced_at" timestamp with time zone NOT NULL,
	"archived_at" timestamp with time zone,
	"archive_reason" text,
	"changed_xid" "xid8" DEFAULT pg_current_xact_id() NOT NULL,
	"changed_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "scrap_dimagaz_bc_odoo_id_unique" UNIQUE("odoo_id")
);
--> statement-breakpoint
CREATE TABLE "scrap_dimagaz_bc_line" (
	"id" bigserial PRIMARY KEY NOT NULL,
	"odoo_id" bigint NOT NULL,
	"fields" jsonb NOT NULL,
	"odoo_create_date" timestamp with time zone,
	"odoo_write_date" timestamp with time zone,
	"content_hash" text NOT NULL,
	"binary_sizes" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"fetch_seq" bigint NOT NULL,
	"fetched_at" timestamp with time zone NOT NULL,
	"synced_at" timestamp with time zone NOT NULL,
	"archived_at" timestamp with time zone,
	"archive_reason" text,
	"bc_odoo_id" bigint NOT NULL,
	CONSTRAINT "scrap_dimagaz_bc_line_odoo_id_unique" UNIQUE("odoo_id")
);
--> statement-breakpoint
CREATE TABLE "odoo_field" (
	"model" text NOT NULL,
	"name" text NOT NULL,
	"type" text NOT NULL,
	"label" text NOT NULL,
	"relation" text,
	"description" jsonb NOT NULL,
	"position" integer NOT NULL,
	"seen_at" timestamp with time zone NOT NULL,
	CONSTRAINT "odoo_field_model_name_pk" PRIMARY KEY("model","name")
);
--> statement-breakpoint
CREATE TABLE "audit_log" (
	"id" bigserial PRIMARY KEY NOT NULL,
	"odoo_id" bigint NOT NULL,
	"run_id" bigint NOT NULL,
	"action" text NOT NULL,
	"changes" jsonb NOT NULL,
	"at" timestamp with time zone DEFAULT now() NOT NULL,
	"xid" "xid8" DEFAULT pg_current_xact_id() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "sync_failure" (
	"id" bigserial PRIMARY KEY NOT NULL,
	"key" text NOT NULL,
	"odoo_id" bigint NOT NULL,
	"code" text NOT NULL,
	"message" text NOT NULL,
	"run_id" bigint NOT NULL,
	"job_id" text,
	"failures" integer DEFAULT 1 NOT NULL,
	"first_failed_at" timestamp with time zone DEFAULT now() NOT NULL,
	"last_failed_at" timestamp with time zone DEFAULT now() NOT NULL,
	"next_attempt_at" timestamp with time zone NOT NULL,
	"resolved_at" timestamp with time zone,
	"resolved_by_run_id" bigint
);
--> statement-breakpoint
CREATE TABLE "sync_log" (
	"id" bigserial PRIMARY KEY NOT NULL,
	"key" text NOT NULL,
	"mode" text NOT NULL,
	"trigger" text NOT NULL,
	"status" text NOT NULL,
	"requested_at" timestamp with time zone DEFAULT now() NOT NULL,
	"started_at" timestamp with time zone,
	"finished_at" timestamp with time zone,
	"since" timestamp with time zone,
	"now_sync" timestamp with time zone,
	"lease_token" bigint,
	"odoo_ids" jsonb,
	"protocol" text,
	"odoo_version" text,
	"planned_at" timestamp with time zone,
	"planned" integer DEFAULT 0 NOT NULL,
	"seen" integer DEFAULT 0 NOT NULL,
	"created" integer DEFAULT 0 NOT NULL,
	"updated" integer DEFAULT 0 NOT NULL,
	"unchanged" integer DEFAULT 0 NOT NULL,
	"archived" integer DEFAULT 0 NOT NULL,
	"gone" integer DEFAULT 0 NOT NULL,
	"failed" integer DEFAULT 0 NOT NULL,
	"lines_seen" integer DEFAULT 0 NOT NULL,
	"lines_removed" integer DEFAULT 0 NOT NULL,
	"rpc_calls" integer DEFAULT 0 NOT NULL,
	"duration_ms" integer,
	"error_code" text,
	"error_message" text
);
--> statement-breakpoint
CREATE TABLE "sync_run_item" (
	"run_id" bigint NOT NULL,
	"odoo_id" bigint NOT NULL,
	"page" integer NOT NULL,
	"state" text DEFAULT 'open' NOT NULL,
	"lines_seen" integer DEFAULT 0 NOT NULL,
	"lines_removed" integer DEFAULT 0 NOT NULL,
	"rpc_calls" integer DEFAULT 0 NOT NULL,
	"closed_at" timestamp with time zone,
	CONSTRAINT "sync_run_item_run_id_odoo_id_pk" PRIMARY KEY("run_id","odoo_id")
);
--> statement-breakpoint
CREATE TABLE "sync_run_page" (
	"run_id" bigint NOT NULL,
	"page" integer NOT NULL,
	"state" text DEFAULT 'planned' NOT NULL,
	"generation" integer DEFAULT 0 NOT NULL,
	"rpc_calls" integer DEFAULT 0 NOT NULL,
	"queued_at" timestamp with time zone,
	CONSTRAINT "sync_run_page_run_id_page_pk" PRIMARY KEY("run_id","page")
);
--> statement-breakpoint
CREATE TABLE "sync_state" (
	"key" text PRIMARY KEY NOT NULL,
	"is_syncing" boolean DEFAULT false NOT NULL,
	"last_sync" timestamp with time zone,
	"lease_run_id" bigint,
	"lease_token" bigint DEFAULT 0 NOT NULL,
	"lease_expires_at" timestamp with time zone,
	"lease_heartbeat_at" timestamp with time zone
);
--> statement-breakpoint
CREATE INDEX "scrap_dimagaz_bc_write_date" ON "scrap_dimagaz_bc" USING btree ("odoo_write_date","odoo_id");--> statement-breakpoint
CREATE INDEX "scrap_dimagaz_bc_changed_at" ON "scrap_dimagaz_bc" USING btree ("changed_at","odoo_id");--> statement-breakpoint
CREATE INDEX "scrap_dimagaz_bc_changed_xid" ON "scrap_dimagaz_bc" USING btree ("changed_xid");--> statement-breakpoint
CREATE INDEX "scrap_dimagaz_bc_line_bc" ON "scrap_dimagaz_bc_line" USING btree ("bc_odoo_id","odoo_id");--> statement-breakpoint
CREATE INDEX "audit_log_odoo_id" ON "audit_log" USING btree ("odoo_id","id");--> statement-breakpoint
CREATE INDEX "audit_log_run_id" ON "audit_log" USING btree ("run_id");--> statement-breakpoint
CREATE UNIQUE INDEX "sync_failure_open" ON "sync_failure" USING btree ("key","odoo_id") WHERE "sync_failure"."resolved_at" is null;--> statement-breakpoint
CREATE INDEX "sync_log_open" ON "sync_log" USING btree ("status") WHERE "sync_log"."status" in ('queued', 'running');--> statement-breakpoint
CREATE INDEX "sync_run_item_open" ON "sync_run_item" USING btree ("run_id","page") WHERE "sync_run_item"."state" = 'open';