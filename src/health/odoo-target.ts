import type { OdooConfig } from '../config.ts';

/** What `odoo_health` knows an Odoo by: `mirror@https://odoo.example.com/prod`. Holds no secret. */
export function odooTarget({ url, db, user }: Pick<OdooConfig, 'url' | 'db' | 'user'>): string {
  const { origin, pathname } = new URL(url);
  return `${user}@${origin}${pathname.replace(/\/+$/, '')}/${db}`;
}
