export * from './documents.ts';
export * from './gateway.ts';
export * from './model.ts';
export * from './sync.ts';
