import { expect, test } from 'vitest';
import { type Io, oneLine, printJson, printLines, styled } from '../../../src/cli/io.ts';
import { columns, span } from '../../../src/cli/text.ts';
import { escapeJson } from '../../../src/shared/terminal.ts';

/** Text that a terminal would execute: clear the screen, set its title, write backwards. */
const HOSTILE = '\u001b[2J\u001b]0;pwn\u0007\u009b2J\u202etxt.exe\u2069\u007f';

function output(write: (io: Io) => void, hasColors?: boolean): string {
  let text = '';
  const stdout = {
    write: (piece: string) => (text += piece),
    ...(hasColors !== undefined && { hasColors: () => hasColors }),
  };
  write({ stdin: process.stdin, stdout, stderr: stdout, ask: null, onInterrupt: () => () => {} });
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

test('styles are for terminals with colours only, and styled text cannot control the terminal either', () => {
  const line = ['state ', styled('red', `failed${HOSTILE}`)];
  const plain = output((io) => printLines(io, [line]));
  expect(plain).toMatch(/^state failed\ufffd\[2J/);
  expect(output((io) => printLines(io, [line]), false)).toBe(plain);
  const colored = output((io) => printLines(io, [line]), true);
  expect(colored.startsWith('state \u001b[31mfailed\ufffd[2J')).toBe(true);
  expect(colored.endsWith('\u001b[39m\n')).toBe(true);
  expect(colored.split('\u001b')).toHaveLength(3);
});

test('columns are as wide as their widest cell, and a span has one unit', () => {
  const lines = output((io) =>
    printLines(
      io,
      columns(
        [
          ['a', styled('red', 'long'), ''],
          ['bcd', 'e', 'f'],
        ],
        '  ',
      ),
    ),
  );
  expect(lines).toBe('  a    long\n  bcd  e     f\n');
  expect([0, 1999, 119_000, 120_000, 7_199_000, 172_799_000, 172_800_000].map(span)).toEqual([
    ...['0 s', '1 s', '119 s', '2 min', '119 min', '47 h', '2 d'],
  ]);
});
