ALTER TABLE "sync_log" ADD COLUMN "last_step_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "sync_state" ADD COLUMN "mirror_id" uuid DEFAULT gen_random_uuid() NOT NULL;