import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { ROOT, read } from '../listed-documents.ts';

const files = (folder: string) =>
  readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.ya?ml$/.test(file))
    .map((file) => join(folder, file));
const linesWith = (file: string, name: string) =>
  read(file)
    .split('\n')
    .filter((line) => new RegExp(`^ *(- )?${name}: `).test(line))
    .map((line) => line.replace(/^ *(- )?/, '').slice(name.length + 2));

const WORKFLOWS = files('.github/workflows');
/** The jobs of each workflow that may write, with the permission. Other jobs only read. */
const WRITING: Record<string, string[]> = {
  '.github/workflows/docs.yml': ['publish id-token', 'publish pages'],
  '.github/workflows/release.yml': [
    'image attestations',
    'image id-token',
    'image packages',
    'release contents',
  ],
};

it('the release workflow publishes the image with SBOM, provenance and an attestation', () => {
  const release = read('.github/workflows/release.yml');
  for (const part of ['sbom: true', 'provenance: mode=max', 'actions/attest-build-provenance@'])
    expect(release).toContain(part);
});

const permissions = z.record(z.string(), z.enum(['read', 'write', 'none']));
const workflow = z.looseObject({
  permissions,
  jobs: z.record(z.string(), z.looseObject({ permissions: permissions.default({}) })),
});

describe.each(WORKFLOWS)('%s', (file) => {
  it('pins every action by its commit, with the version beside it', () => {
    const used = linesWith(file, 'uses');
    expect(used.length).toBeGreaterThan(0);
    expect(used.filter((one) => !/^[\w.-]+\/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/.test(one))).toEqual([]);
  });

  it('declares its permissions, and lets only jobs that publish write', () => {
    const { permissions: all, jobs } = workflow.parse(parse(read(file)));
    const writing = Object.entries(jobs).flatMap(([job, own]) =>
      Object.entries(own.permissions).flatMap(([name, access]) =>
        access === 'write' ? `${job} ${name}` : [],
      ),
    );
    expect(Object.values(all)).not.toContain('write');
    expect(writing.sort()).toEqual(WRITING[file] ?? []);
  });
});

describe('images', () => {
  const DIGEST = /@sha256:[0-9a-f]{64}$/;
  // No public source of a digest was found for this one, which is for a trial only. Renovate pins it.
  const BY_TAG = ['tryton/tryton:7.0'];

  it('of the Dockerfile are pinned by digest', () => {
    const args = [...read('Dockerfile').matchAll(/^ARG (\w+_IMAGE)=(\S+)$/gm)];
    const bases = [...read('Dockerfile').matchAll(/^FROM (\S+)/gm)].map(([, base]) => base);
    expect(bases.length).toBeGreaterThan(0);
    expect(bases.filter((base) => !args.some(([, name]) => base === `\${${name}}`))).toEqual([]);
    expect(args.filter(([, , image = '']) => !DIGEST.test(image))).toEqual([]);
  });

  it('of the compose files are pinned by digest, or built here', () => {
    const composed = ['docker-compose.yml', ...files('deploy').filter((file) => file.includes('/compose.'))];
    const named = composed
      .flatMap((file) => linesWith(file, 'image'))
      .map((image) => image.replace(/^(?:&[\w-]+ )?(?:\$\{\w+:-(.+)\})?/, '$1'));
    expect(composed).toHaveLength(3);
    expect(named.length).toBeGreaterThan(5);
    const loose = named.filter((image) => !DIGEST.test(image) && !/^(\*[\w-]+|passerelle)$/.test(image));
    expect(loose).toEqual(BY_TAG);
  });

  it('of the Kubernetes files are built here', () => {
    const named = files('deploy/kubernetes').flatMap((file) => linesWith(file, 'image'));
    expect(new Set(named)).toEqual(new Set(['passerelle']));
  });
});

it('xmlrpc gets newer packages than those it asks for', () => {
  const { packages } = z
    .looseObject({ packages: z.record(z.string(), z.looseObject({ version: z.string().optional() })) })
    .parse(JSON.parse(read('package-lock.json')));
  const versions = ['sax', 'xmlbuilder'].map((name) => {
    const [major = '', minor = ''] = packages[`node_modules/${name}`]?.version?.split('.') ?? [];
    return Number(`${major}.${minor}`);
  });
  expect(versions[0]).toBeGreaterThanOrEqual(1.4);
  expect(versions[1]).toBeGreaterThanOrEqual(15);
});
