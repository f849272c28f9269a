ALTER TABLE "api_key" ADD COLUMN "context" jsonb DEFAULT '{}' NOT NULL;--> statement-breakpoint
ALTER TABLE "sync_log" ADD COLUMN "newest_write" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "sync_log" ADD COLUMN "new_source" boolean DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE "sync_log" ADD COLUMN "reread" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "sync_state" ADD COLUMN "newest_write" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "sync_state" ADD COLUMN "seen_until" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "sync_state" ADD COLUMN "sequence_server" text;--> statement-breakpoint
ALTER TABLE "sync_state" ADD COLUMN "source" jsonb;--> statement-breakpoint
ALTER TABLE "sync_state" ADD COLUMN "reread_after" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "sync_state" ADD COLUMN "verified" jsonb;