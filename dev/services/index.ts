export { RedisMissingError, ServerFailedError, ServerUnreachableError } from './errors.ts';
export type { ServiceSource, Services } from './start.ts';
export { startServices } from './start.ts';
