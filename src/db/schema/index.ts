export * from './alerts.ts';
export * from './audit.ts';
export * from './documents.ts';
export * from './gateway.ts';
export * from './ledger.ts';
export * from './mirrors.ts';
export * from './model.ts';
export * from './sync.ts';
