ALTER TABLE "sync_run_item" ADD COLUMN "lines_kept" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "sync_log" ADD COLUMN "lines_gone" integer DEFAULT 0 NOT NULL;