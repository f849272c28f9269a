CREATE TABLE "mirror" (
	"key" text PRIMARY KEY NOT NULL,
	"name" text NOT NULL,
	"model" text NOT NULL,
	"line_model" text,
	"header_table" text NOT NULL,
	"line_table" text NOT NULL,
	"audit_table" text NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "mirror_name_unique" UNIQUE("name")
);
