import { expect, test } from 'vitest';
import { type Io, oneLine, printJson, printLines } from '../../src/cli/io.ts';
import { escapeJson } from '../../src/shared/terminal.ts';

/** Text that a terminal would execute: clear the screen, set its title, write backwards. */
const HOSTILE = '\u001b[2J\u001b]0;pwn\u0007\u009b2J\u202etxt.exe\u2069\u007f';

function output(write: (io: Io) => void): string {
  let text = '';
  const stdout = { write: (piece: string) => (text += piece) };
  write({ stdin: process.stdin, stdout, stderr: stdout, onInterrupt: () => () => {} });
  return text;
}

const COMMANDS_OF_TERMINALS = /(?![\n\t])[\p{Cc}\u202a-\u202e\u2066-\u2069]/u;

test('a text of Odoo or Tryton cannot control the terminal', () => {
  const lines = output((io) => printLines(io, [`BC 1: ${HOSTILE}`, 'tab\tstays, é too']));
  expect(lines).not.toMatch(COMMANDS_OF_TERMINALS);
  expect(lines).toContain('BC 1: \ufffd[2J');
  expect(lines).toContain('tab\tstays, é too\n');
  expect(oneLine(`a\n\n${HOSTILE}`)).not.toMatch(COMMANDS_OF_TERMINALS);
});

test('JSON keeps its value and cannot control the terminal', () => {
  const value = { name: HOSTILE, list: ['é', '\n'] };
  const json = output((io) => printJson(io, value));
  expect(json).not.toMatch(COMMANDS_OF_TERMINALS);
  expect(JSON.parse(json)).toEqual(value);
  expect(JSON.parse(escapeJson(`"${'\u009b\u202e'}"`))).toBe('\u009b\u202e');
});
