// What a JavaScript program does with a cluster, through @kubernetes/client-node; prints what it saw as JSON.
import * as k8s from '@kubernetes/client-node';
import net from 'node:net';
import { PassThrough } from 'node:stream';

const namespace = process.env.NAMESPACE;
const config = new k8s.KubeConfig();
config.loadFromFile(process.env.KUBECONFIG);
const core = config.makeApiClient(k8s.CoreV1Api);
const apps = config.makeApiClient(k8s.AppsV1Api);
const objects = k8s.KubernetesObjectApi.makeApiClient(config);
const seen = {};

const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

async function until(condition) {
  for (let i = 0; i < 400; i++) {
    const found = await condition();
    if (found) return found;
    await pause(25);
  }
  throw new Error(`it does not come about: ${condition}`);
}

function gathered(stream) {
  const parts = [];
  stream.on('data', (part) => parts.push(part));
  return () => Buffer.concat(parts).toString();
}

async function writes() {
  const body = { metadata: { name: 'settings', labels: { app: 'web' } }, data: { colour: 'red' } };
  const made = await core.createNamespacedConfigMap({ namespace, body });
  seen.uid = made.metadata.uid;
  const one = { namespace, name: 'settings' };
  const patch = (body, type) =>
    core.patchNamespacedConfigMap({ ...one, body }, k8s.setHeaderOptions('Content-Type', type));
  await patch([{ op: 'add', path: '/data/size', value: '3' }], k8s.PatchStrategy.JsonPatch);
  await patch({ data: { colour: 'blue' } }, k8s.PatchStrategy.MergePatch);
  seen.patched = (await patch({ data: { shape: 'round' } }, k8s.PatchStrategy.StrategicMergePatch)).data;
  const listed = await core.listNamespacedConfigMap({ namespace, labelSelector: 'app=web' });
  seen.listed = listed.items.map((item) => item.metadata.name);
  try {
    await core.replaceNamespacedConfigMap({ ...one, body: made });
  } catch (error) {
    seen.conflict = [error.code, JSON.parse(error.body).reason];
  }
  await core.deleteNamespacedConfigMap(one);
  try {
    await core.readNamespacedConfigMap(one);
  } catch (error) {
    seen.missing = [error.code, JSON.parse(error.body).message];
  }
}

async function applies() {
  const spec = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'applied', namespace }, data: { a: '1' } };
  const apply = (manager, data) =>
    objects.patch({ ...spec, data }, undefined, undefined, manager, false, k8s.PatchStrategy.ServerSideApply);
  seen.applied = (await apply('one', { a: '1' })).data;
  try {
    await apply('two', { a: '2' });
  } catch (error) {
    seen.refused = JSON.parse(error.body).message;
  }
}

async function informs() {
  const path = `/api/v1/namespaces/${namespace}/secrets`;
  const informer = k8s.makeInformer(config, path, () => core.listNamespacedSecret({ namespace }));
  seen.informed = [];
  for (const event of ['add', 'update', 'delete']) {
    informer.on(event, (item) => seen.informed.push([event, item.metadata.name]));
  }
  await informer.start();
  const body = { metadata: { name: 'late' }, stringData: { p: 'q' } };
  await core.createNamespacedSecret({ namespace, body });
  await until(() => seen.informed.length === 1);
  const labelled = { metadata: { labels: { a: 'b' } } };
  const merge = k8s.setHeaderOptions('Content-Type', k8s.PatchStrategy.MergePatch);
  await core.patchNamespacedSecret({ namespace, name: 'late', body: labelled }, merge);
  await until(() => seen.informed.length === 2);
  seen.cached = informer.get('late', namespace).metadata.labels;
  await core.deleteNamespacedSecret({ namespace, name: 'late' });
  await until(() => seen.informed.length === 3);
  await informer.stop();
}

async function runs() {
  const labels = { app: 'web' };
  const container = { name: 'c', image: 'nginx', ports: [{ containerPort: 80 }] };
  const template = { metadata: { labels }, spec: { containers: [container] } };
  const spec = { replicas: 1, selector: { matchLabels: labels }, template };
  await apps.createNamespacedDeployment({ namespace, body: { metadata: { name: 'web' }, spec } });
  const found = async () => (await apps.readNamespacedDeployment({ namespace, name: 'web' })).status.readyReplicas;
  await until(found);
  const pods = await core.listNamespacedPod({ namespace, labelSelector: 'app=web' });
  return pods.items[0].metadata.name;
}

async function looksInside(pod) {
  const log = new PassThrough();
  const text = gathered(log);
  await new k8s.Log(config).log(namespace, pod, 'c', log, { follow: false });
  await until(() => text().length > 0);
  seen.logged = text().length > 0;
  const [out, err] = [new PassThrough(), new PassThrough()];
  const [printed, complained] = [gathered(out), gathered(err)];
  const command = ['sh', '-c', 'echo out; echo err >&2; exit 3'];
  const status = await new Promise((resolve, reject) => {
    new k8s.Exec(config).exec(namespace, pod, 'c', command, out, err, null, false, resolve).catch(reject);
  });
  seen.executed = [printed(), complained(), status.details.causes[0].message];
}

async function forwards(pod) {
  const forward = new k8s.PortForward(config);
  const server = net.createServer((socket) => forward.portForward(namespace, pod, [80], socket, null, socket));
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const answer = await fetch(`http://127.0.0.1:${server.address().port}/`, { headers: { connection: 'close' } });
  seen.forwarded = answer.status;
  server.close();
}

await writes();
await applies();
await informs();
const pod = await runs();
await looksInside(pod);
await forwards(pod);
process.stdout.write(JSON.stringify(seen), () => process.exit(0));
