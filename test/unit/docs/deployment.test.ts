import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdtemp, readFile, rm, stat, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import t, { type Test } from 'tap';
import { parse, parseAllDocuments } from 'yaml';
import { loadConfig, settings } from '../../../src/config.js';
import { listProjectFiles, readProjectFile, root } from './project-files.js';

const run = promisify(execFile);

interface ComposeService {
  environment?: Record<string, string>;
  volumes?: string[];
  healthcheck?: object;
  image?: string;
  build?: string;
  ports?: string[];
}

const composeText = readProjectFile('docker-compose.yml');
const compose = parse(composeText, { merge: true }) as { services: Record<string, ComposeService>; volumes: Record<string, unknown> };
const placeholder = /\$\{(\w+)(?::([?-])([^}]*))?\}/g;

/** Runs the script that makes the passwords. @returns what it has put into the file */
async function madeEnvironment(t: Test): Promise<Record<string, string>> {
  const folder = await mkdtemp(join(tmpdir(), 'quipu-env-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const file = join(folder, '.env');
  await run('sh', [join(root, 'deploy/compose/make-env.sh'), file]);
  const before = await readFile(file, 'utf8');
  t.equal((await stat(file)).mode & 0o777, 0o600, 'for its owner alone');
  await t.rejects(run('sh', [join(root, 'deploy/compose/make-env.sh'), file]), /is there already/);
  t.equal(await readFile(file, 'utf8'), before, 'a second time it leaves it as it is');
  return Object.fromEntries([...before.matchAll(/^(\w+)=(.*)$/gm)].map(([, name, value]) => [name!, value!]));
}

t.test('the image is built from what the Dockerfile copies', { timeout: 240_000 }, async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'quipu-image-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const [build = ''] = readProjectFile('Dockerfile').split(/^FROM /m).slice(1);
  for (const [, paths] of build.matchAll(/^COPY (?!--)(.+) \S+$/gm)) {
    for (const path of paths!.split(' ')) await cp(join(root, path), join(folder, path), { recursive: true });
  }
  await symlink(join(root, 'node_modules'), join(folder, 'node_modules'));
  await run(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '--noEmit', '--incremental', 'false'], { cwd: folder }).catch((error: { stdout: string }) => t.fail(error.stdout.slice(0, 2000)));
});

t.test('docker-compose.yml: every setting is one of Quipu, and each process starts with those it is given', async (t) => {
  const made = await madeEnvironment(t);
  const filled = (value: string): string => value.replace(placeholder, (_, name: string, kind?: string, other = '') => {
    t.ok(name in made || kind === '-', `${name} is made`);
    return made[name] ?? other;
  });
  const own = Object.entries(compose.services).filter(([, { build }]) => build !== undefined);
  t.strictSame(own.map(([name]) => name), ['api', 'worker']);
  for (const [name, { environment = {} }] of own) {
    for (const setting of Object.keys(environment)) t.ok(setting in settings, `${name}: ${setting}`);
    const config = loadConfig(Object.fromEntries(Object.entries(environment).map(([setting, value]) => [setting, filled(String(value))])));
    t.equal(config.role, name);
    for (const address of [config.mongodbUrl, config.redisUrl, config.clickhouseUrl]) t.ok(new URL(address!).hostname in compose.services, `${name}: ${new URL(address!).protocol}`);
  }
  for (const [name] of composeText.matchAll(/QUIPU_\w+/g)) t.ok(name in settings, name);
});

t.test('docker-compose.yml: no password stands in it, and none has a default', async (t) => {
  const made = await madeEnvironment(t);
  const secret = /PASSWORD|SECRET|_KEY$/;
  for (const [whole, name, kind] of composeText.matchAll(placeholder)) if (secret.test(name!)) t.equal(kind, '?', whole);
  for (const { environment = {} } of Object.values(compose.services)) {
    for (const [name, value] of Object.entries(environment)) if (secret.test(name)) t.match(String(value), /^\$\{\w+:\?/, name);
  }
  for (const [name, value] of Object.entries(made)) {
    if (secret.test(name)) t.match(value, /^[0-9a-f]{24,48}$/, `${name}: random, and nothing that a URL would have to quote`);
    t.ok(composeText.includes(`\${${name}:`), `${name} is used`);
  }
  const secrets = Object.entries(made).filter(([name]) => secret.test(name)).map(([, value]) => value);
  t.equal(new Set(secrets).size, secrets.length, 'each its own');
  t.match(readProjectFile('.gitignore'), /^\.env$/m);
  t.match(readProjectFile('.dockerignore'), /^\.env$/m);
});

t.test('docker-compose.yml: health, files and volumes', async (t) => {
  t.match(readProjectFile('Dockerfile'), /^HEALTHCHECK .*\/health\/ready/m, 'that of Quipu is in its image');
  for (const [name, { healthcheck, build, volumes = [], image, ports = [] }] of Object.entries(compose.services)) {
    t.ok(build !== undefined || name.endsWith('-init') || healthcheck, `${name}: health`);
    t.ok(build !== undefined || /:[\d.]+(-\w+)?$/.test(image ?? ''), `${name}: ${image} is a version`);
    t.ok(ports.length === 0 || name === 'nginx', `${name} is not reached from outside`);
    for (const volume of volumes) {
      const [source = ''] = volume.split(':');
      t.ok(source.startsWith('./') ? existsSync(join(root, source)) : source in compose.volumes, `${name}: ${source}`);
    }
  }
});

interface Manifest {
  kind: string;
  metadata: { name: string };
  data?: Record<string, string>;
  spec?: Record<string, unknown>;
}

const files = listProjectFiles('deploy/kubernetes', '.yaml').filter((path) => !path.endsWith('kustomization.yaml'));
const manifests = files.flatMap((path) => parseAllDocuments(readProjectFile(path)).map((document) => {
  if (document.errors.length > 0) throw document.errors[0];
  return document.toJS() as Manifest;
}));
const ofKind = (kind: string): Manifest[] => manifests.filter((one) => one.kind === kind);

t.test('Kubernetes: the settings are Quipu\'s, and a pod starts with them', async (t) => {
  for (const path of listProjectFiles('deploy', '')) for (const [name] of readProjectFile(path).matchAll(/\bQUIPU_\w+/g)) t.ok(name in settings, `${path}: ${name}`);
  const [config] = ofKind('ConfigMap');
  const secret = { QUIPU_MONGODB_URL: 'mongodb://quipu:password@mongodb/quipu', QUIPU_REDIS_URL: 'redis://redis', QUIPU_CLICKHOUSE_URL: 'http://clickhouse:8123', QUIPU_KEY: 'first', QUIPU_SECRET: 'a-secret' };
  t.notOk(Object.keys(secret).some((name) => name in config!.data!), 'no secret is in the ConfigMap');
  for (const role of ['api', 'worker']) t.equal(loadConfig({ ...config!.data, ...secret, QUIPU_ROLE: role }).role, role);
});

t.test('Kubernetes: what selects pods selects those that there are, and what is named is there', async (t) => {
  const kustomization = parse(readProjectFile('deploy/kubernetes/kustomization.yaml')) as { resources: string[] };
  t.strictSame(kustomization.resources.map((name) => `deploy/kubernetes/${name}`).sort(), files);
  const deployments = ofKind('Deployment').map(({ metadata: { name }, spec }) => ({ name, spec: spec as { replicas?: number; selector: { matchLabels: object }; template: { metadata: { labels: Record<string, string> }; spec: Pod } } }));
  t.strictSame(deployments.map(({ name }) => name), ['quipu-api', 'quipu-worker']);
  for (const { name, spec: { template, selector } } of deployments) {
    const { labels } = template.metadata;
    const [container] = template.spec.containers;
    t.strictSame(selector.matchLabels, labels, name);
    t.strictSame(container!.args, ['serve', '--role', labels['app.kubernetes.io/component']]);
    t.equal(template.spec.serviceAccountName, ofKind('ServiceAccount')[0]!.metadata.name);
    t.match(container, { startupProbe: { httpGet: { path: '/health/live' } }, livenessProbe: { httpGet: { path: '/health/live' } }, readinessProbe: { httpGet: { path: '/health/ready' } } });
    const mounts = container!.volumeMounts.map(({ mountPath }) => mountPath);
    t.ok(mounts.some((path) => ofKind('ConfigMap')[0]!.data!.QUIPU_DATA_DIR!.startsWith(`${path}/`)), 'the data folder is on a volume');
    const selectors = [...ofKind('Service').map(({ spec }) => spec!.selector), ...ofKind('PodDisruptionBudget').map(({ spec }) => (spec!.selector as { matchLabels: object }).matchLabels), ...ofKind('NetworkPolicy').map(({ spec }) => (spec!.podSelector as { matchLabels: object }).matchLabels)];
    t.equal(selectors.filter((one) => JSON.stringify(one) === JSON.stringify(labels)).length, 3, `${name}: a Service, a budget and a policy`);
  }
  const [scaler] = ofKind('HorizontalPodAutoscaler');
  t.match(scaler!.spec, { scaleTargetRef: { name: 'quipu-api' } });
  t.equal(deployments[0]!.spec.replicas, undefined, 'the autoscaler alone says how many');
});

interface Pod {
  serviceAccountName: string;
  containers: { args: string[]; volumeMounts: { mountPath: string }[] }[];
}
