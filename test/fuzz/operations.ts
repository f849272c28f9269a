import { toStringMethod } from 'fast-check';
import { z } from 'zod';

/** As Zod takes it. */
type JsonSchema = Parameters<typeof z.fromJSONSchema>[0];

/** The used part of a JSON Schema 2020-12. */
export interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly allOf?: readonly Schema[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: Schema | boolean;
  readonly items?: Schema;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly format?: string;
  readonly default?: unknown;
  readonly examples?: readonly unknown[];
}

export interface Parameter {
  readonly in: 'path' | 'query' | 'header';
  readonly name: string;
  readonly required: boolean;
  readonly schema: Schema;
}

/** One method of one path, as the OpenAPI document describes it. */
export interface Operation {
  /** The part of it that a counterexample shows. */
  readonly [toStringMethod]?: () => string;
  readonly method: string;
  /** With its parameters in braces. */
  readonly path: string;
  readonly parameters: readonly Parameter[];
  /** Null where no body is taken. */
  readonly body: Schema | null;
  /** By status (`200`, `4XX`) the media types; null: its content is not JSON. */
  readonly answers: ReadonlyMap<string, ReadonlyMap<string, z.ZodType | null>>;
}

interface Content {
  readonly [mediaType: string]: { readonly schema?: Schema };
}

interface Described {
  readonly parameters?: readonly (Omit<Parameter, 'required'> & { readonly required?: boolean })[];
  readonly requestBody?: { readonly content: Content };
  readonly responses: Readonly<Record<string, { readonly content?: Content }>>;
}

interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Described>>>>;
  readonly components?: unknown;
}

/** Every operation of an OpenAPI 3.1 document. */
export function operationsOf(document: Document): Operation[] {
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, described]) => ({
      [toStringMethod]: () => `${method} ${path}`,
      method: method.toUpperCase(),
      path,
      parameters: (described.parameters ?? []).map((parameter) => ({
        ...parameter,
        required: parameter.required === true,
        schema: resolved(document, parameter.schema),
      })),
      body: bodyOf(document, described),
      answers: answersOf(document, described),
    })),
  );
}

function bodyOf(document: Document, { requestBody }: Described): Schema | null {
  const schema = requestBody?.content['application/json']?.schema;
  return schema === undefined ? null : resolved(document, schema);
}

function answersOf(document: Document, { responses }: Described): Operation['answers'] {
  return new Map(
    Object.entries(responses).map(([status, { content = {} }]) => {
      const types = Object.entries(content).map(([mediaType, { schema }]) => {
        const isJson = /\bjson$/.test(mediaType) && schema !== undefined;
        return [
          mediaType,
          isJson ? z.fromJSONSchema(resolved(document, schema) as JsonSchema) : null,
        ] as const;
      });
      return [status.toUpperCase(), new Map(types)] as const;
    }),
  );
}

/** Without references: their targets replace them. */
function resolved(document: Document, schema: Schema): Schema {
  const { $ref: reference } = schema;
  if (reference !== undefined) {
    const parts = reference.replace(/^#\//, '').split('/');
    const found = parts.reduce<unknown>((at, part) => Object(at)[part], document);
    return resolved(document, found as Schema);
  }
  return Object.fromEntries(
    Object.entries(schema).map(([key, value]) => [key, resolvedIn(document, key, value)]),
  );
}

/** An example or a default may look like a reference without being one. */
const VALUES: readonly string[] = ['examples', 'example', 'default', 'enum', 'const'];

function resolvedIn(document: Document, key: string, value: unknown): unknown {
  if (VALUES.includes(key) || typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((entry) => resolvedIn(document, '', entry));
  return resolved(document, value as Schema);
}
