import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { ScaledObject } from '@kubernetes-models/keda/keda.sh/v1alpha1/ScaledObject';
import { Deployment } from 'kubernetes-models/apps/v1/Deployment';
import { HorizontalPodAutoscaler } from 'kubernetes-models/autoscaling/v2/HorizontalPodAutoscaler';
import { Job } from 'kubernetes-models/batch/v1/Job';
import { Ingress } from 'kubernetes-models/networking.k8s.io/v1/Ingress';
import { NetworkPolicy } from 'kubernetes-models/networking.k8s.io/v1/NetworkPolicy';
import { PodDisruptionBudget } from 'kubernetes-models/policy/v1/PodDisruptionBudget';
import { ConfigMap } from 'kubernetes-models/v1/ConfigMap';
import { Namespace } from 'kubernetes-models/v1/Namespace';
import { Secret } from 'kubernetes-models/v1/Secret';
import { Service } from 'kubernetes-models/v1/Service';
import { describe, expect, it } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { z } from 'zod';
import { variables } from '../../src/config/schema.ts';

const FOLDER = resolve(import.meta.dirname, '../../deploy/kubernetes');
const MODELS: Readonly<Record<string, new (data: never) => { validate(): void }>> = {
  ...{ ConfigMap, Deployment, HorizontalPodAutoscaler, Ingress, Job, Namespace, NetworkPolicy },
  ...{ PodDisruptionBudget, ScaledObject, Secret, Service },
};
const manifest = z.looseObject({ kind: z.string(), metadata: z.looseObject({ name: z.string() }) });
const strings = z.record(z.string(), z.string()).default({});
const containers = z.array(
  z.looseObject({
    command: z.array(z.string()).default([]),
    ports: z.array(z.looseObject({ name: z.string(), containerPort: z.int() })).default([]),
  }),
);

const files = readdirSync(FOLDER, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.yaml') && !file.endsWith('kustomization.yaml'))
  .sort();
const read = (file: string) => readFileSync(join(FOLDER, file), 'utf8');
const objects = files.flatMap((file) =>
  parseAllDocuments(read(file), { merge: true }).map((document) => ({
    file,
    object: manifest.parse(document.toJS()),
  })),
);
const all = (kind: string) => objects.flatMap(({ object }) => (object.kind === kind ? [object] : []));
const probes = (text: string) => [...text.matchAll(/httpGet: \{ path: (\S+), port: (\w+) \}/g)];

describe('the Kubernetes files', () => {
  it.each(objects.map(({ file, object }) => [object.kind, object.metadata.name, file, object] as const))(
    '%s %s of %s is valid by its schema',
    (kind, _name, _file, object) => {
      const Model = MODELS[kind];
      if (Model === undefined) throw new Error(`${kind} has no schema here`);
      expect(() => new Model(object as never).validate()).not.toThrow();
    },
  );

  it('are named by the kustomizations, all but the example', () => {
    for (const folder of ['base', 'migrate']) {
      const { resources } = z
        .looseObject({ resources: z.array(z.string()) })
        .parse(parse(read(`${folder}/kustomization.yaml`)));
      const there = files
        .filter((file) => file.startsWith(`${folder}/`))
        .map((file) => file.slice(folder.length + 1));
      expect([...resources].sort()).toEqual(there.filter((file) => file !== 'secret.example.yaml'));
    }
  });

  it('set variables that the configuration reads, to values that it takes', () => {
    const given = [...all('ConfigMap'), ...all('Secret')].flatMap((object) =>
      Object.entries(strings.parse(object['data'] ?? object['stringData'])),
    );
    expect(given.length).toBeGreaterThan(10);
    const schemas: Readonly<Record<string, z.ZodType>> = variables;
    const wrong = given.filter(([name, value]) => schemas[name]?.safeParse(value).success !== true);
    expect(wrong).toEqual([]);
  });

  it('believe the ingress controller who called, and let in whom documents send there', () => {
    const settings = strings.parse(all('ConfigMap')[0]?.['data']);
    // An address for documentation, which no proxy has: the operator must fill it in.
    expect(settings['TRUST_PROXY']).toMatch(/^192\.0\.2\.\d+$/);
    expect(read('base/config.yaml')).toMatch(/# Fill in: the proxies/);
    const paths = [...read('base/ingress.yaml').matchAll(/- path: (\S+)/g)].map(([, path]) => path);
    expect(paths).toEqual(expect.arrayContaining(['/api', '/admin', '/docs', '/hooks', '/openapi.json']));
  });

  it('give pods longer to stop than the settings let them take', () => {
    const settings = strings.parse(all('ConfigMap')[0]?.['data']);
    const needed =
      Number.parseInt(settings['SHUTDOWN_DRAIN'] ?? '', 10) +
      Number.parseInt(settings['SHUTDOWN_DEADLINE'] ?? '', 10);
    const graces = ['base/api.yaml', 'base/worker.yaml'].map((file) =>
      Number(/terminationGracePeriodSeconds: (\d+)/.exec(read(file))?.[1]),
    );
    for (const grace of graces) expect(grace).toBeGreaterThan(needed);
  });

  it('start what the image has, and ask ports and paths that are there', () => {
    const settings = strings.parse(all('ConfigMap')[0]?.['data']);
    const ports = { http: Number(settings['PORT']), metrics: Number(settings['METRICS_PORT']) };
    for (const object of [...all('Deployment'), ...all('Job')]) {
      const spec = z
        .looseObject({ template: z.looseObject({ spec: z.looseObject({ containers }) }) })
        .parse(object['spec']);
      for (const { command, ports: named } of spec.template.spec.containers) {
        for (const { name, containerPort } of named) expect(ports).toMatchObject({ [name]: containerPort });
        const script = command.find((part) => part.startsWith('dist/')) ?? 'dist/src/server.js';
        const source = script.replace(/^dist\//, '').replace(/\.js$/, '.ts');
        expect(() => readFileSync(resolve(FOLDER, '../..', source))).not.toThrow();
      }
    }
    const asked = ['base/api.yaml', 'base/worker.yaml'].flatMap((file) => probes(read(file)));
    expect(asked).toHaveLength(6);
    expect(new Set(asked.map(([, path]) => path))).toEqual(new Set(['/healthz', '/readyz']));
  });

  it('scale workers by a metric of the API', () => {
    const [query = ''] = /passerelle_\w+\{[^}]*\}/.exec(read('base/worker-autoscaling.yaml')) ?? [];
    const [, name = ''] = /^(\w+)\{/.exec(query) ?? [];
    const metrics = readFileSync(resolve(FOLDER, '../../docs/reference/metrics.md'), 'utf8');
    expect(metrics).toContain(`\`${name}\``);
  });
});
