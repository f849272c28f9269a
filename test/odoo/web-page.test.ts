import { expect, test } from 'vitest';
import type { HttpAnswer, HttpRequest } from '../../src/odoo/http.ts';
import { notTheProtocol } from '../../src/odoo/http.ts';

const site = { target: 'https://erp.example (database prod)', call: 'res.users.read', user: 'mirror' };
const request: HttpRequest = { site, method: 'POST', path: '/jsonrpc' };

function messageOf(body: string): string {
  const answer: HttpAnswer = {
    ...{ status: 200, bytes: Buffer.from(body), body, contentType: 'text/html', date: undefined },
  };
  return notTheProtocol(request, answer, 'which is not JSON-RPC').message;
}

test('the error quotes the title of a web page', () => {
  expect(messageOf('<html><title lang="en"> Sign in </title>')).toContain('("Sign in")');
});

test('a title after the first 64 KiB is not read', () => {
  const before = (characters: number) => `<html>${' '.repeat(characters)}<title>Sign in</title>`;
  expect(messageOf(before(60 * 1024))).toContain('("Sign in")');
  expect(messageOf(before(64 * 1024))).toContain('("untitled")');
});

test('a page of 4 MiB of "<title" has no title', () => {
  expect(messageOf('<title'.repeat((4 * 1024 * 1024) / 6))).toContain('("untitled")');
});
