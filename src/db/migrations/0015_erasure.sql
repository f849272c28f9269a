CREATE TABLE "erased_record" (
	"model" text NOT NULL,
	"odoo_id" bigint NOT NULL,
	"erased_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "erased_record_model_odoo_id_pk" PRIMARY KEY("model","odoo_id")
);
--> statement-breakpoint
ALTER TABLE "api_key" ADD COLUMN "mirrors" jsonb DEFAULT '[]' NOT NULL;