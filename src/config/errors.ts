import { PasserelleError } from '../shared/errors.ts';

/**
 * One or more environment variables, or lines of `MIRRORS_FILE`, are missing or not valid. The message lists all of them.
 *
 * @fix Correct each variable and line that the message lists. `passerelle config` shows each value and its origin.
 */
export class ConfigError extends PasserelleError {
  readonly code = 'bad_configuration';
  readonly problems: readonly string[];
  constructor(problems: readonly string[]) {
    super(`Configuration is not usable:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`);
    this.problems = problems;
  }
}
