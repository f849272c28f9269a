import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { createScreen, progressLine } from '../../../dev/demo/context.ts';
import { shellExports } from '../../../dev/demo/settings.ts';
import { choosePort, urlOf } from '../../../src/embedded/ports.ts';

describe('the port', () => {
  it('is the next free one when the default is taken, and an error when it was asked for', async () => {
    const holder = createServer().listen(0, '127.0.0.1');
    await once(holder, 'listening');
    const { port } = holder.address() as AddressInfo;
    expect(await choosePort('127.0.0.1', port, false)).toBeGreaterThan(port);
    await expect(choosePort('127.0.0.1', port, true)).rejects.toMatchObject({ code: 'port_taken' });
    holder.close();
  });

  it.each([
    ['127.0.0.1', 'http://127.0.0.1:3000'],
    ['0.0.0.0', 'http://127.0.0.1:3000'],
    ['::', 'http://[::1]:3000'],
    ['::1', 'http://[::1]:3000'],
  ])('on %s is opened at %s', (host, url) => {
    expect(urlOf(host, 3000)).toBe(url);
  });
});

describe('the progress line', () => {
  it('shows progress, pace and remaining time', () => {
    expect(progressLine(2500, 10_000, 5)).toBe(
      '[######------------------] 2,500 / 10,000 BC, 500/s, 15 s left',
    );
  });

  it('says nothing of speed before it knows any', () => {
    expect(progressLine(0, 10_000, 9)).toBe('[------------------------] 0 / 10,000 BC');
    expect(progressLine(0, 0, 0)).toBe('[########################] 0 / 0 BC');
  });
});

describe('the screen', () => {
  const record = (isTTY: boolean, now?: () => number) => {
    const written: string[] = [];
    return { written, screen: createScreen({ isTTY, write: (text) => written.push(text) }, now) };
  };

  it('rewrites the status on a terminal, and clears it for a line', () => {
    const { written, screen } = record(true);
    screen.status('1 of 2');
    screen.status('2 of 2');
    screen.line('done');
    expect(written).toEqual(['\r\u001b[K1 of 2', '\r\u001b[K2 of 2', '\r\u001b[Kdone\n']);
  });

  it('prints the status now and then elsewhere, without control characters', () => {
    let now = 10_000;
    const { written, screen } = record(false, () => now);
    screen.status('1 of 3');
    screen.status('2 of 3');
    now += 3000;
    screen.status('3 of 3');
    expect(written).toEqual(['1 of 3\n', '3 of 3\n']);
  });
});

it('writes the environment of the command line so that a shell reads the same values', () => {
  const given = {
    ODOO_PASSWORD: `it's "$HOME"`,
    DATABASE_URL: 'postgres://x',
    ODOO_MODEL: '',
    HOME: '/root',
    SYNC_BINARIES: 'off',
    ALERT_WEBHOOK_URL: 'http://hook',
    SMTP_URL: 'smtp://mail',
    RETAIN_AUDIT: '30d',
  };
  expect(shellExports(given)).toBe(
    `export ODOO_PASSWORD='it'\\''s "$HOME"'\nexport DATABASE_URL='postgres://x'\nexport SYNC_BINARIES='off'\n` +
      `export ALERT_WEBHOOK_URL='http://hook'\nexport SMTP_URL='smtp://mail'\nexport RETAIN_AUDIT='30d'\n`,
  );
});
