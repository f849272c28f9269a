import type { FastifyDynamicSwaggerOptions } from '@fastify/swagger';

type TransformObject = NonNullable<FastifyDynamicSwaggerOptions['transformObject']>;

/**
 * The parameter `filter` as a query string writes it: `filter[field]=x`, `filter[field][operator]=x`. By then the one
 * that a schema can tell of is the object that these become.
 */
export const describeFilters: TransformObject = (given) => {
  const document = 'openapiObject' in given ? given.openapiObject : given.swaggerObject;
  for (const path of Object.values(document.paths ?? {})) {
    for (const parameter of path?.get?.parameters ?? []) {
      if ('name' in parameter && parameter.name === 'filter') Object.assign(parameter, FILTER);
    }
  }
  return document;
};

const value = { oneOf: [{ type: 'string' }, { type: 'array', items: { type: 'string' } }] };

const FILTER = {
  style: 'deepObject',
  explode: true,
  schema: {
    type: 'object',
    additionalProperties: { oneOf: [{ type: 'string' }, { type: 'object', additionalProperties: value }] },
  },
};
