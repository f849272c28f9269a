import { describe } from 'vitest';
import type { ContractSubject } from './client.ts';
import { optionsOf } from './client.ts';
import { equalityContract } from './equality.ts';
import { readingContract } from './reading.ts';
import { searchingContract } from './searching.ts';
import { signInContract } from './sign-in.ts';

/** The properties of Odoo that the mirror relies on, checked on any Odoo: real or sandbox, by each of its protocols. */
export function odooContract(name: string, subject: ContractSubject): void {
  describe(name, () => {
    describe.each(subject.protocols)('by %s', (protocol) => {
      const options = () => optionsOf(subject.coordinates(), protocol);
      signInContract(options);
      searchingContract(options);
      readingContract(options);
    });
    equalityContract(subject);
  });
}
