import { expect, test } from 'vitest';
import { pageWords } from '../../../src/tryton/rpc/response.ts';

test('the words of a web page are its first paragraph, else its title', () => {
  expect(pageWords('<html><title lang="en">Sign in</title><p>No &amp; never</p>')).toBe('No & never');
  expect(pageWords('<html><title lang="en">Sign in</title>')).toBe('Sign in');
});

test('words after the first 64 KiB are not read', () => {
  const before = (characters: number, tag: string) =>
    `<html>${' '.repeat(characters)}<${tag}>Sign in</${tag}>`;
  expect(pageWords(before(60 * 1024, 'title'))).toBe('Sign in');
  expect(pageWords(before(64 * 1024, 'title'))).toBe('');
  expect(pageWords(before(64 * 1024, 'p'))).toBe('');
});

test('a page of 4 MiB of "<title" has no words', () => {
  expect(pageWords('<title'.repeat((4 * 1024 * 1024) / 6))).toBe('');
});
