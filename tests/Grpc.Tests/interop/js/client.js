// The interop cases with grpc-js as the client: client.js PROTO_ROOT ADDRESS [CA_FILE].
'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const grpc = require('@grpc/grpc-js');
const loader = require('@grpc/proto-loader');

const [protoRoot, address, caFile] = process.argv.slice(2);
const definition = loader.loadSync('grpc/testing/test.proto', {
  includeDirs: [protoRoot], keepCase: true, longs: Number, enums: Number, defaults: true,
});
const testing = grpc.loadPackageDefinition(definition).grpc.testing;
const credentials = caFile
  ? grpc.credentials.createSsl(fs.readFileSync(caFile))
  : grpc.credentials.createInsecure();
const plain = new testing.TestService(address, credentials);
const GZIP = 2;
const packing = new testing.TestService(address, credentials, { 'grpc.default_compression_algorithm': GZIP });
const other = new testing.UnimplementedService(address, credentials);

const SIZES_DOWN = [31415, 9, 2653, 58979];
const SIZES_UP = [27182, 8, 1828, 45904];
const ODD_MESSAGE = '\t\ntest with whitespace\r\nand Unicode BMP \u263a and non-BMP \u{1f608}\t\n';

const payload = (size) => ({ body: Buffer.alloc(size) });
// No case takes this long; without it a hang would have no name.
const patience = () => ({ deadline: Date.now() + 20000 });

function unary(stub, method, request, metadata = new grpc.Metadata(), options = patience()) {
  const result = {};
  return new Promise((resolve) => {
    const call = stub[method](request, metadata, options, (error, response) => {
      Object.assign(result, { error, response });
    });
    call.on('metadata', (headers) => { result.headers = headers; });
    call.on('status', (status) => resolve(Object.assign(result, { status })));
  });
}

// Collects what a call with many responses brings; the promise settles with its status.
function collect(call, onData = () => {}) {
  const result = { sizes: [] };
  return new Promise((resolve) => {
    call.on('metadata', (headers) => { result.headers = headers; });
    call.on('data', (response) => {
      result.sizes.push(response.payload.body.length);
      onData(result.sizes.length);
    });
    call.on('error', () => {});
    call.on('status', (status) => resolve(Object.assign(result, { status })));
  });
}

function upload(stub, requests) {
  return new Promise((resolve) => {
    const result = {};
    const call = stub.StreamingInputCall(new grpc.Metadata(), patience(), (error, response) => {
      Object.assign(result, { error, response });
    });
    call.on('status', (status) => resolve(Object.assign(result, { status })));
    requests.forEach((request) => call.write(request));
    call.end();
  });
}

function expectOk(result) {
  assert.strictEqual(result.status.code, grpc.status.OK, result.status.details);
  return result;
}

const large = { response_size: 314159, payload: payload(271828) };
const isLarge = (result) => assert.strictEqual(expectOk(result).response.payload.body.length, 314159);

async function checkStatus(code, message) {
  const wanted = { response_status: { code, message } };
  const one = await unary(plain, 'UnaryCall', wanted);
  const call = plain.FullDuplexCall(patience());
  const many = collect(call);
  call.write(wanted);
  call.end();
  for (const { status } of [one, await many]) {
    assert.strictEqual(status.code, code);
    assert.strictEqual(status.details, message);
  }
}

function checkEcho(result) {
  assert.deepStrictEqual(result.headers.get('x-grpc-test-echo-initial'), ['test_initial_metadata_value']);
  assert.deepStrictEqual(result.status.metadata.get('x-grpc-test-echo-trailing-bin'), [Buffer.from('ababab', 'hex')]);
}

const cases = {
  async empty_unary() {
    expectOk(await unary(plain, 'EmptyCall', {}));
  },
  async large_unary() {
    isLarge(await unary(plain, 'UnaryCall', large));
  },
  async client_streaming() {
    const result = expectOk(await upload(plain, SIZES_UP.map((size) => ({ payload: payload(size) }))));
    assert.strictEqual(result.response.aggregated_payload_size, 74922);
  },
  async server_streaming() {
    const request = { response_parameters: SIZES_DOWN.map((size) => ({ size })) };
    const result = expectOk(await collect(plain.StreamingOutputCall(request, patience())));
    assert.deepStrictEqual(result.sizes, SIZES_DOWN);
  },
  async ping_pong() {
    const call = plain.FullDuplexCall(patience());
    const send = (i) => (i < SIZES_UP.length
      ? call.write({ response_parameters: [{ size: SIZES_DOWN[i] }], payload: payload(SIZES_UP[i]) })
      : call.end());
    const result = collect(call, send);
    send(0);
    assert.deepStrictEqual(expectOk(await result).sizes, SIZES_DOWN);
  },
  async empty_stream() {
    const call = plain.FullDuplexCall(patience());
    const result = collect(call);
    call.end();
    assert.deepStrictEqual(expectOk(await result).sizes, []);
  },
  async cancel_after_begin() {
    const status = await new Promise((resolve) => {
      const call = plain.StreamingInputCall(new grpc.Metadata(), patience(), () => {});
      call.on('status', resolve);
      call.cancel();
    });
    assert.strictEqual(status.code, grpc.status.CANCELLED);
  },
  async cancel_after_first_response() {
    const call = plain.FullDuplexCall(patience());
    const result = collect(call, () => call.cancel());
    call.write({ response_parameters: [{ size: 31415 }], payload: payload(27182) });
    assert.strictEqual((await result).status.code, grpc.status.CANCELLED);
  },
  async timeout_on_sleeping_server() {
    const call = plain.FullDuplexCall({ deadline: Date.now() + 50 });
    const result = collect(call);
    call.write({ response_parameters: [{ size: 1, interval_us: 5000000 }] });
    assert.strictEqual((await result).status.code, grpc.status.DEADLINE_EXCEEDED);
  },
  async custom_metadata() {
    const metadata = new grpc.Metadata();
    metadata.set('x-grpc-test-echo-initial', 'test_initial_metadata_value');
    metadata.set('x-grpc-test-echo-trailing-bin', Buffer.from('ababab', 'hex'));
    checkEcho(expectOk(await unary(plain, 'UnaryCall', large, metadata)));
    const call = plain.FullDuplexCall(metadata, patience());
    const result = collect(call);
    call.write({ response_parameters: [{ size: 31415 }], payload: payload(27182) });
    call.end();
    checkEcho(expectOk(await result));
  },
  status_code_and_message: () => checkStatus(2, 'test status message'),
  special_status_message: () => checkStatus(2, ODD_MESSAGE),
  async unimplemented_method() {
    assert.strictEqual((await unary(plain, 'UnimplementedCall', {})).status.code, grpc.status.UNIMPLEMENTED);
  },
  async unimplemented_service() {
    assert.strictEqual((await unary(other, 'UnimplementedCall', {})).status.code, grpc.status.UNIMPLEMENTED);
  },
  async client_compressed_unary() {
    const probe = await unary(plain, 'UnaryCall', { ...large, expect_compressed: { value: true } });
    assert.strictEqual(probe.status.code, grpc.status.INVALID_ARGUMENT);
    isLarge(await unary(packing, 'UnaryCall', { ...large, expect_compressed: { value: true } }));
    isLarge(await unary(plain, 'UnaryCall', { ...large, expect_compressed: { value: false } }));
  },
  async client_compressed_streaming() {
    // grpc-js has no way to leave one message of a compressed call uncompressed: both messages are compressed.
    const requests = (value) => [27182, 45904].map((size) => ({ payload: payload(size), expect_compressed: { value } }));
    assert.strictEqual((await upload(plain, requests(true))).status.code, grpc.status.INVALID_ARGUMENT);
    for (const result of [await upload(packing, requests(true)), await upload(plain, requests(false))]) {
      assert.strictEqual(expectOk(result).response.aggregated_payload_size, 73086);
    }
  },
  async server_compressed_unary() {
    isLarge(await unary(plain, 'UnaryCall', { ...large, response_compressed: { value: true } }));
    isLarge(await unary(plain, 'UnaryCall', { ...large, response_compressed: { value: false } }));
  },
  async server_compressed_streaming() {
    const request = { response_parameters: [
      { size: 31415, compressed: { value: true } }, { size: 92653, compressed: { value: false } }] };
    const result = expectOk(await collect(plain.StreamingOutputCall(request, patience())));
    assert.deepStrictEqual(result.sizes, [31415, 92653]);
  },
};

async function main() {
  for (const [name, run] of Object.entries(cases)) {
    const line = { case: name, ok: true };
    try {
      await run();
    } catch (failure) {
      Object.assign(line, { ok: false, error: String(failure.stack) });
    }
    console.log(JSON.stringify(line));
  }
  // The timers of deadlines that did not pass would keep the process waiting.
  process.exit(0);
}

main();
