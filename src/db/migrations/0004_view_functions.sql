-- What the typed views make of a raw value. A value that does not fit its column's type is NULL, never an error: each
-- function looks before it casts. Nothing is caught, since PostgreSQL 14 to 16 cannot do that in a parallel query.
CREATE FUNCTION passerelle_text(value jsonb) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN value NOT IN ('false', 'null') THEN value #>> '{}' END;
--> statement-breakpoint
CREATE FUNCTION passerelle_boolean(value jsonb) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE jsonb_typeof(value) WHEN 'boolean' THEN value::boolean END;
--> statement-breakpoint
CREATE FUNCTION passerelle_numeric(value jsonb) RETURNS numeric LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE jsonb_typeof(value) WHEN 'number' THEN value::numeric END;
--> statement-breakpoint
CREATE FUNCTION passerelle_bigint(value jsonb) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE jsonb_typeof(value) WHEN 'number' THEN
  CASE WHEN value::numeric BETWEEN -9223372036854775808 AND 9223372036854775807
    AND value::numeric = trunc(value::numeric) THEN value::bigint END END;
--> statement-breakpoint
CREATE FUNCTION passerelle_double(value jsonb) RETURNS double precision LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE jsonb_typeof(value) WHEN 'number' THEN
  CASE WHEN value::numeric = 0 OR abs(value::numeric) BETWEEN 5e-324 AND 1.7976931348623157e308
    THEN value::double precision END END;
--> statement-breakpoint
CREATE FUNCTION passerelle_date(value jsonb) RETURNS date LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN jsonb_typeof(value) = 'string'
    AND value #>> '{}' ~ '^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$' THEN
  CASE WHEN left(value #>> '{}', 4) <> '0000' AND substr(value #>> '{}', 9)::int <=
      CASE WHEN substr(value #>> '{}', 6, 2) IN ('04', '06', '09', '11') THEN 30
        WHEN substr(value #>> '{}', 6, 2) <> '02' THEN 31
        WHEN left(value #>> '{}', 4)::int % 4 = 0
          AND (left(value #>> '{}', 4)::int % 100 <> 0 OR left(value #>> '{}', 4)::int % 400 = 0) THEN 29
        ELSE 28 END
    THEN make_date(left(value #>> '{}', 4)::int, substr(value #>> '{}', 6, 2)::int, substr(value #>> '{}', 9)::int)
  END END;
--> statement-breakpoint
-- Odoo's texts are UTC.
CREATE FUNCTION passerelle_timestamptz(value jsonb) RETURNS timestamptz LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN jsonb_typeof(value) = 'string' AND value #>> '{}' ~
    '^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01]) ([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,6})?$' THEN
  CASE WHEN left(value #>> '{}', 4) <> '0000' AND substr(value #>> '{}', 9, 2)::int <=
      CASE WHEN substr(value #>> '{}', 6, 2) IN ('04', '06', '09', '11') THEN 30
        WHEN substr(value #>> '{}', 6, 2) <> '02' THEN 31
        WHEN left(value #>> '{}', 4)::int % 4 = 0
          AND (left(value #>> '{}', 4)::int % 100 <> 0 OR left(value #>> '{}', 4)::int % 400 = 0) THEN 29
        ELSE 28 END
    THEN make_timestamp(left(value #>> '{}', 4)::int, substr(value #>> '{}', 6, 2)::int,
      substr(value #>> '{}', 9, 2)::int, substr(value #>> '{}', 12, 2)::int, substr(value #>> '{}', 15, 2)::int,
      substr(value #>> '{}', 18)::double precision) AT TIME ZONE 'UTC'
  END END;
--> statement-breakpoint
-- Base64, in one piece or in lines. Of a large one each further look takes as long as decoding it.
CREATE FUNCTION passerelle_bytea(value jsonb) RETURNS bytea LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN jsonb_typeof(value) = 'string' THEN
  CASE WHEN value #>> '{}' ~ '^[A-Za-z0-9+/]*={0,2}$' THEN
      CASE WHEN octet_length(value #>> '{}') % 4 = 0 THEN decode(value #>> '{}', 'base64') END
    WHEN value #>> '{}' ~ '^[A-Za-z0-9+/ \t\r\n]*={0,2}[ \t\r\n]*$'
      AND octet_length(translate(value #>> '{}', E' \t\r\n', '')) % 4 = 0 THEN decode(value #>> '{}', 'base64')
  END END;
--> statement-breakpoint
CREATE FUNCTION passerelle_ids(value jsonb) RETURNS bigint[] LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN jsonb_typeof(value) = 'array' AND value #>> '{}' ~ '^\[(-?[0-9]{1,18}(, -?[0-9]{1,18})*)?\]$'
  THEN string_to_array(btrim(value #>> '{}', '[]'), ', ')::bigint[] END;
--> statement-breakpoint
CREATE FUNCTION passerelle_jsonb(value jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN value NOT IN ('false', 'null') THEN value END;
--> statement-breakpoint
-- A many2one is [id, name]; a list of ids that stood there under another type is not.
CREATE FUNCTION passerelle_many2one_id(value jsonb) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN jsonb_typeof(value) = 'number'
    OR (jsonb_typeof(value) = 'array' AND jsonb_array_length(value) = 2 AND jsonb_typeof(value -> 0) = 'number'
      AND jsonb_typeof(value -> 1) IN ('string', 'boolean', 'null')) THEN
  CASE WHEN CASE jsonb_typeof(value) WHEN 'number' THEN value::text ELSE value ->> 0 END ~ '^-?[0-9]{1,18}$'
    THEN CASE jsonb_typeof(value) WHEN 'number' THEN value::text ELSE value ->> 0 END::bigint END END;
--> statement-breakpoint
CREATE FUNCTION passerelle_many2one_name(value jsonb) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE jsonb_typeof(value) WHEN 'string' THEN value #>> '{}'
  WHEN 'array' THEN CASE WHEN jsonb_array_length(value) = 2 AND jsonb_typeof(value -> 0) = 'number'
    AND jsonb_typeof(value -> 1) = 'string' THEN value ->> 1 END END;
