/** A record as Odoo sent it: every requested field, plus `id`. Dates are the strings of Odoo, empty is `false`. */
export interface OdooRecord {
  readonly id: number;
  readonly [field: string]: OdooValue;
}

/** Any decoded value. A many2one is `[id, name]`, an x2many is a list of ids, a binary is base64 text. */
export type OdooValue =
  | string
  | number
  | boolean
  | null
  | readonly OdooValue[]
  | { readonly [key: string]: OdooValue };

/** An Odoo domain in prefix notation, for example `[['write_date', '>=', '2026-01-31 08:00:00']]`. */
export type Domain = readonly (DomainOperator | DomainCondition)[];
type DomainOperator = '&' | '|' | '!';
type DomainCondition = readonly [field: string, operator: string, value: OdooValue];

/** `hash`: the HMAC-SHA-256 of the value. `mask`: its first letter, the rest starred. */
export type FieldPolicy = 'hash' | 'mask' | 'omit';

/** What `fields_get` says of one field. Attributes that a server does not send are left out. */
export interface OdooFieldDescription {
  readonly name: string;
  readonly type: string;
  readonly string: string;
  readonly store?: boolean;
  readonly relation?: string;
  readonly relation_field?: string;
  readonly selection?: readonly OdooValue[];
  readonly digits?: readonly [number, number];
  readonly company_dependent?: boolean;
  /** Only sent on if it is true. */
  readonly translate?: true;
  /** Not from Odoo but set by us: the field is known, and not mirrored. */
  readonly mirrored?: false;
  /** Not from Odoo but set by us: how the value, or the label of a many2one, is hidden. */
  readonly policy?: FieldPolicy;
  /** Not from Odoo but set by us: a fingerprint of the FIELD_HASH_KEY that the values are hashed with. */
  readonly keyId?: string;
}

/** The fields of one model, by name. */
export type OdooFields = Readonly<Record<string, OdooFieldDescription>>;
export const PROTOCOLS = ['xmlrpc', 'jsonrpc', 'json2'] as const;
export type OdooProtocol = (typeof PROTOCOLS)[number];

/** Version and protocol of the server. */
export interface OdooServer {
  readonly protocol: OdooProtocol;
  /** The text of the server: `19.0`, `14.0-20221015`, `saas~18.4`. */
  readonly version: string;
  /** Why this protocol was selected: one sentence for the log. */
  readonly reason: string;
  readonly uid: number;
}

interface SearchOptions {
  /** For example `id` or `write_date desc, id`. */
  readonly order?: string;
  readonly limit?: number;
}

interface ReadOptions {
  readonly fields: readonly string[];
  /** True: binary fields come as a size text such as `1.43 Kb` (`bin_size` of Odoo) instead of their content. */
  readonly binSize?: boolean;
}

/**
 * A read-only Odoo. It has no method that writes, and cannot call one by name.
 *
 * Every call has the configured context with `active_test: false`, a timeout, and throws one of the classes of
 * `errors.ts`. Reads are retried after a refused or dropped connection and after 429, 502, 503 and 504. A timeout is
 * not retried here, so one call never takes longer than its limit.
 */
export interface OdooClient {
  /** `https://erp.example/ (database prod)`: for messages, without secrets. */
  readonly target: string;
  /** Calls made so far, retries included. */
  readonly calls: number;
  /** Signs in once; later calls are answered from memory. Every method that needs a session calls it. */
  connect(): Promise<OdooServer>;
  /** The clock of the server, from the HTTP `Date` header: whole seconds, UTC. */
  clock(): Promise<Date>;
  fieldsGet(model: string): Promise<OdooFields>;
  search(model: string, domain: Domain, options?: SearchOptions): Promise<number[]>;
  searchCount(model: string, domain: Domain): Promise<number>;
  searchRead(model: string, domain: Domain, options: SearchOptions & ReadOptions): Promise<OdooRecord[]>;
  /** The order of the records is undefined, and ids that do not exist are missing without an error: match by id. */
  read(model: string, ids: readonly number[], options: ReadOptions): Promise<OdooRecord[]>;
  close(): Promise<void>;
}
