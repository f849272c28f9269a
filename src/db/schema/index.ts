export * from './documents.ts';
export * from './model.ts';
export * from './sync.ts';
