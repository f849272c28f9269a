CREATE TABLE "alert_delivery" (
	"id" bigserial PRIMARY KEY NOT NULL,
	"incident_id" bigint NOT NULL,
	"event" text NOT NULL,
	"channel" text NOT NULL,
	"attempts" integer DEFAULT 0 NOT NULL,
	"next_attempt_at" timestamp with time zone DEFAULT now() NOT NULL,
	"delivered_at" timestamp with time zone,
	"given_up_at" timestamp with time zone,
	"last_error" text
);
--> statement-breakpoint
CREATE TABLE "alert_incident" (
	"id" bigserial PRIMARY KEY NOT NULL,
	"kind" text NOT NULL,
	"subject" text NOT NULL,
	"code" text NOT NULL,
	"message" text NOT NULL,
	"run_id" bigint,
	"opened_at" timestamp with time zone DEFAULT now() NOT NULL,
	"resolved_at" timestamp with time zone
);
--> statement-breakpoint
CREATE TABLE "model_change" (
	"id" bigserial PRIMARY KEY NOT NULL,
	"model" text NOT NULL,
	"field" text NOT NULL,
	"kind" text NOT NULL,
	"old" jsonb,
	"new" jsonb,
	"reread" boolean NOT NULL,
	"run_id" bigint NOT NULL,
	"at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
ALTER TABLE "sync_log" ADD COLUMN "continues" bigint;--> statement-breakpoint
ALTER TABLE "sync_log" ADD COLUMN "model_change" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "sync_state" ADD COLUMN "model_read" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
CREATE UNIQUE INDEX "alert_delivery_once" ON "alert_delivery" USING btree ("incident_id","event","channel");--> statement-breakpoint
CREATE INDEX "alert_delivery_due" ON "alert_delivery" USING btree ("next_attempt_at") WHERE "alert_delivery"."delivered_at" is null and "alert_delivery"."given_up_at" is null;--> statement-breakpoint
CREATE UNIQUE INDEX "alert_incident_open" ON "alert_incident" USING btree ("kind","subject") WHERE "alert_incident"."resolved_at" is null;