/** What the OpenAPI document tells of a route beyond its schemas. A test holds every example against its schema. */
export interface RouteReference {
  /** Where the route's own schema has none. */
  readonly description?: string;
  /** A good answer, where the route's own schema has none: JSON, or text where it is none. */
  readonly answer?: unknown;
  /** The codes of the problems that are its own: those that any route may have are added. */
  readonly problems: readonly string[];
  /** By name, in path and query. */
  readonly parameters?: Readonly<Record<string, unknown>>;
  readonly body?: unknown;
}

/** By method and path, as the document writes them. */
export type Reference = Readonly<Record<string, RouteReference>>;
