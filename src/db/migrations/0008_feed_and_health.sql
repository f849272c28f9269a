CREATE TABLE "feed_epoch" (
	"id" bigserial PRIMARY KEY NOT NULL,
	"server" text NOT NULL,
	"since" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "odoo_health" (
	"target" text PRIMARY KEY NOT NULL,
	"version" text,
	"protocol" text,
	"latency_ms" integer,
	"last_success_at" timestamp with time zone,
	"last_success_method" text,
	"last_error_at" timestamp with time zone,
	"last_error_method" text,
	"last_error_code" text,
	"last_error_message" text
);
--> statement-breakpoint
ALTER TABLE "scrap_dimagaz_bc" ADD COLUMN "created_xid" "xid8";--> statement-breakpoint
-- Apart: with the column itself the default would be given to every row, and the table be written anew.
ALTER TABLE "scrap_dimagaz_bc" ALTER COLUMN "created_xid" SET DEFAULT pg_current_xact_id();