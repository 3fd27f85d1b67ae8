// The interop cases with grpc-js; prints a line of JSON for each.
//
// Usage: interop.js API_PROTOS HEALTH_PROTOS REFLECTION_PROTOS TARGET TRACEPARENT [AUTHORITIES CERTIFICATE KEY SERVER_NAME].
// With the latter it is a peer.
'use strict';

const assert = require('node:assert');
const crypto = require('node:crypto');
const fs = require('node:fs');
const grpc = require('@grpc/grpc-js');
const loader = require('@grpc/proto-loader');

const [protos, healthProtos, reflectionProtos, target, traceparent, ...tls] = process.argv.slice(2);
const files = [
  'glance/sidecar/v1/staging.proto', 'health/v1/health.proto', 'grpc/reflection/v1/reflection.proto',
  'grpc/reflection/v1alpha/reflection.proto',
];
const known = grpc.loadPackageDefinition(loader.loadSync(files, {
  includeDirs: [protos, healthProtos, reflectionProtos], keepCase: true, longs: Number, enums: String, defaults: true, oneofs: true,
}));
const { status: Code } = grpc;
// No call takes this long; without it a hang would have no name.
const PATIENCE = 20_000;
const GZIP = 2;
const CONTENT = Buffer.from(Array.from(
  { length: 100_000 }, (_, line) => `${line.toString(16).padStart(8, '0')} glance staging sidecar\n`).join(''));

function connect(service, options = {}) {
  const credentials = tls.length > 0
    ? grpc.credentials.createSsl(...[tls[0], tls[2], tls[1]].map((path) => fs.readFileSync(path)))
    : grpc.credentials.createInsecure();
  const named = tls.length > 0 ? { 'grpc.ssl_target_name_override': tls[3] } : {};
  return new service(target, credentials, { ...named, ...options });
}

const staging = connect(known.glance.sidecar.v1.Staging);
const health = connect(known.grpc.health.v1.Health);

const inTime = () => ({ deadline: Date.now() + PATIENCE });

function unaryCall(client, method, request, metadata = new grpc.Metadata()) {
  return new Promise((resolve, reject) => {
    client[method](request, metadata, inTime(), (error, answer) => (error ? reject(error) : resolve(answer)));
  });
}

// Asserts how a call fails: its status, and the reason in the ErrorInfo that the trailers carry.
async function refused(code, reason, call) {
  const error = await call.then(() => assert.fail('the call succeeded'), (failure) => failure);
  assert.strictEqual(error.code, code, String(error.stack));
  const [details] = error.metadata.get('grpc-status-details-bin');
  assert.ok((details ?? '').includes(reason), reason);
}

async function collect(call) {
  const answers = [];
  for await (const answer of call) answers.push(answer);
  return answers;
}

// The first answer of a call that goes on.
const first = (call) => new Promise((resolve, reject) => {
  call.once('data', resolve);
  call.on('error', reject);
});

const ending = (call) => new Promise((resolve, reject) => {
  call.on('error', reject);
  call.on('end', resolve);
});

// Sends as fast as the call takes it, until it is over.
async function send(call, requests) {
  for (const request of requests) {
    if (call.over) return;
    if (!call.write(request)) await new Promise((resolve) => { call.goOn = resolve; });
  }
}

function openStage(client = staging) {
  let call;
  const answer = new Promise((resolve, reject) => {
    call = client.Stage(new grpc.Metadata(), inTime(), (error, image) => (error ? reject(error) : resolve(image)));
  });
  const goOn = () => call.goOn?.();
  call.on('drain', goOn);
  call.on('status', () => { call.over = true; goOn(); });
  answer.catch(() => {}); // it is looked at after all is sent
  return { call, answer };
}

function* upload(image, { start = 0, end = CONTENT.length, chunk = 65536, finish = true, ...header } = {}) {
  yield { header: { image_id: image, ...header } };
  for (let at = start; at < end; at += chunk) {
    yield { chunk: { offset: at, data: CONTENT.subarray(at, Math.min(at + chunk, end)) } };
  }
  if (!finish) return;
  const sha256 = crypto.createHash('sha256').update(CONTENT).digest('hex');
  yield { finish: { total_size: CONTENT.length, expected_digests: { sha256 } } };
}

async function stage(how, client = staging, image = crypto.randomUUID()) {
  const { call, answer } = openStage(client);
  await send(call, upload(image, how));
  call.end();
  assert.strictEqual((await answer).size, CONTENT.length);
  return image;
}

// Asks until the answer is as wanted.
async function until(condition, ask) {
  for (const giveUp = Date.now() + PATIENCE; Date.now() < giveUp;) {
    const answer = await ask().catch((error) => assert.strictEqual(error.code, Code.NOT_FOUND));
    if (answer && condition(answer)) return;
  }
  assert.fail(`it did not come about in ${PATIENCE} ms`);
}

async function reflect(service) {
  const client = connect(service);
  const ask = async (request) => {
    const call = client.ServerReflectionInfo(inTime());
    call.write(request);
    call.end();
    return (await collect(call))[0];
  };
  if (tls.length > 0) {
    await refused(Code.UNIMPLEMENTED, '', ask({ list_services: '' }));
    return;
  }
  const services = (await ask({ list_services: '' })).list_services_response.service.map(({ name }) => name);
  assert.ok(services.includes('glance.sidecar.v1.Staging'), services.join());
  const found = await ask({ file_containing_symbol: 'glance.sidecar.v1.Staging' });
  const described = found.file_descriptor_response.file_descriptor_proto;
  assert.ok(described.some((file) => file.includes('glance/sidecar/v1/staging.proto')), 'the file');
}

const cases = {
  async unary() {
    const capacity = await unaryCall(staging, 'GetCapacity', {});
    assert.ok(capacity.accepts_uploads && capacity.total_bytes > 0);
    await refused(Code.NOT_FOUND, 'IMAGE_NOT_FOUND', unaryCall(staging, 'GetImage', { image_id: crypto.randomUUID() }));
  },

  async client_streaming() {
    for (const chunk of [10_000, 65536, 1 << 20, 3 << 20]) await stage({ chunk });
  },

  async early_refusal() {
    const { call, answer } = openStage();
    await send(call, upload(crypto.randomUUID(), { end: 1 << 20, finish: false }));
    const misplaced = { chunk: { offset: 1, data: CONTENT.subarray(0, 1 << 20) } };
    await send(call, Array(64).fill(misplaced));
    await refused(Code.OUT_OF_RANGE, 'OFFSET_MISMATCH', answer);
  },

  async server_streaming() {
    const image = await stage({});
    const parts = await collect(staging.ReadImage({ image_id: image }, inTime()));
    assert.ok(Buffer.concat(parts.map(({ data }) => data)).equals(CONTENT));
    const images = await collect(staging.ListImages({}, inTime()));
    assert.ok(images.some(({ image_id: id }) => id === image));
  },

  async deadline() {
    const watch = health.Watch({}, { deadline: Date.now() + 500 });
    assert.strictEqual((await first(watch)).status, 'SERVING');
    await refused(Code.DEADLINE_EXCEEDED, '', ending(watch));
  },

  async deadline_at_server() {
    // The client itself knows of none.
    const metadata = new grpc.Metadata();
    metadata.set('grpc-timeout', '200m');
    const watch = health.Watch({}, metadata);
    assert.strictEqual((await first(watch)).status, 'SERVING');
    await refused(Code.DEADLINE_EXCEEDED, '', ending(watch));
  },

  async cancellation() {
    const image = crypto.randomUUID();
    const half = CONTENT.length / 2;
    const look = () => unaryCall(staging, 'GetUpload', { image_id: image });
    const { call, answer } = openStage();
    await send(call, upload(image, { end: half, finish: false }));
    await until((known) => known.received_offset === half, look);
    call.cancel();
    await refused(Code.CANCELLED, '', answer);
    await until((known) => known.state === 'SUSPENDED', look);
    await stage({ start: half, resume_offset: half }, staging, image);
  },

  async compression() {
    const packing = connect(known.glance.sidecar.v1.Staging, { 'grpc.default_compression_algorithm': GZIP });
    const image = await stage({}, packing);
    const answer = await unaryCall(packing, 'GetImage', { image_id: image, owner_hint: ' '.repeat(1000) });
    assert.strictEqual(answer.size, CONTENT.length);
  },

  async metadata() {
    const metadata = new grpc.Metadata();
    metadata.set('traceparent', traceparent);
    metadata.set('x-request-id', 'interop');
    metadata.set('x-some-bin', Buffer.from([...Array(256).keys()]));
    const answer = unaryCall(staging, 'GetImage', { image_id: 'nonsense' }, metadata);
    await refused(Code.INVALID_ARGUMENT, 'INVALID_IMAGE_ID', answer);
  },

  async health_check_and_watch() {
    for (const service of ['', 'liveness', 'glance.sidecar.v1.Staging']) {
      assert.strictEqual((await unaryCall(health, 'Check', { service })).status, 'SERVING');
    }
    await refused(Code.NOT_FOUND, '', unaryCall(health, 'Check', { service: 'nobody' }));
    const watch = health.Watch({ service: 'nobody' }, inTime());
    assert.strictEqual((await first(watch)).status, 'SERVICE_UNKNOWN');
    watch.cancel();
  },

  async health_list() {
    const same = (bytes) => bytes;
    await refused(Code.UNIMPLEMENTED, '', new Promise((resolve, reject) => {
      health.makeUnaryRequest(
        '/grpc.health.v1.Health/List', same, same, Buffer.alloc(0), new grpc.Metadata(), inTime(),
        (error, answer) => (error ? reject(error) : resolve(answer)));
    }));
  },

  reflection_v1: () => reflect(known.grpc.reflection.v1.ServerReflection),
  reflection_v1alpha: () => reflect(known.grpc.reflection.v1alpha.ServerReflection),

  async reserve() {
    const call = staging.Reserve({ image_id: crypto.randomUUID(), bytes: 4096 }, inTime());
    if (tls.length > 0) {
      await refused(Code.PERMISSION_DENIED, 'NOT_FOR_PEERS', first(call));
      return;
    }
    assert.strictEqual((await first(call)).remaining_bytes, 4096);
    call.cancel();
    await refused(Code.CANCELLED, '', ending(call));
  },
};

if (tls.length === 0) {
  cases.authority = async () => {
    for (const name of ['localhost', 'run%2Fsidecar.sock', '/run/sidecar.sock']) {
      const other = connect(known.glance.sidecar.v1.Staging, { 'grpc.default_authority': name });
      assert.ok((await unaryCall(other, 'GetCapacity', {})).accepts_uploads, name);
      other.close();
    }
  };
}

async function main() {
  for (const [name, run] of Object.entries(cases)) {
    const line = { case: name, ok: true, detail: '' };
    try {
      await run();
    } catch (failure) {
      Object.assign(line, { ok: false, detail: String(failure.stack) });
    }
    console.log(JSON.stringify(line));
  }
  // The timers of deadlines that did not pass would keep the process waiting.
  process.exit(0);
}

main();
