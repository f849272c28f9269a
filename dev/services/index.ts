export { RedisMissingError, ServerUnreachableError } from './errors.ts';
export type { Services } from './start.ts';
export { startServices } from './start.ts';
