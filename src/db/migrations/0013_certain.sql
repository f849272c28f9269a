ALTER TABLE "sync_state" ADD COLUMN "sequence_server" text;--> statement-breakpoint
ALTER TABLE "sync_state" ADD COLUMN "source" jsonb;--> statement-breakpoint
ALTER TABLE "sync_state" ADD COLUMN "reread_after" bigint DEFAULT 0 NOT NULL;