/*
 * Pages of other sites, and names that lead here: who may call without tokens, and what
 * each answer tells a browser.
 */
'use strict';

const http = require('node:http');
const { example } = require('../sdk/transport');
const { Gateway, assert, crypto, fs, run, test } = require('./harness');

const { Http, Kuzzle } = example('kuzzle-sdk');
const INDEX = 'gateway-origin';
const OURS = 'http://ours.example';
const THEIRS = 'http://theirs.example';
const UPGRADE = { Connection: 'Upgrade', Upgrade: 'websocket', 'Sec-WebSocket-Version': '13', 'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==' };

let gateway; // as it is by default
let allowing; // one page and one name
const own = () => `127.0.0.1:${gateway.port}`;

/** The status of an answer, whatever it is; of an upgrade 101. */
function status(to, path, headers, port = to.port, method = 'GET') {
  return new Promise((resolve, reject) => {
    http.request({ host: '127.0.0.1', port, path, method, headers, agent: false }, (answer) => {
      answer.resume().on('end', () => resolve(answer.statusCode));
    }).on('upgrade', (answer, socket) => { socket.destroy(); resolve(answer.statusCode); }).on('error', reject).end();
  });
}

test('origin: gateways', async () => {
  gateway = await Gateway.start({ 'allow-host': undefined });
  allowing = await Gateway.start({ 'allow-host': 'db.example,[2001:db8::1]', 'allow-origin': `${OURS},null`, 'max-body': 1000 });
  assert.strictEqual((await gateway.put(`/${INDEX}/c`)).status, 200);
});

test('origin: without tokens no page of another site calls', async () => {
  for (const Origin of [THEIRS, 'null', `http://127.0.0.1:${gateway.port + 1}`, 'http://localhost', 'x', `${THEIRS}, http://${own()}`]) {
    for (const path of ['/_now', `/${INDEX}/c/a`, '/v1/vector/collections', '/_healthCheck', '/no/such/path/at/all']) {
      assert.strictEqual(await status(gateway, path, { Origin }), 403, `${Origin} ${path}`);
    }
    assert.strictEqual(await status(gateway, '/', { Origin, ...UPGRADE }), 403, `a WebSocket of ${Origin}`);
    assert.strictEqual(await status(gateway, '/metrics', { Origin }, gateway.metricsPort), 403, `/metrics of ${Origin}`);
    assert.strictEqual(await status(gateway, '/v2/vectordb/collections/list', { Origin }, gateway.port, 'OPTIONS'), 403);
  }
});

test('origin: what a page sends without asking first is not done', async () => {
  const simple = { Origin: THEIRS, 'Content-Type': 'text/plain' };

  assert.strictEqual((await gateway.request('POST', '/v2/vectordb/databases/create', { body: { dbName: 'theirs' }, headers: simple })).status, 403);
  assert.strictEqual((await gateway.request('POST', `/${INDEX}/c/theirs/_create`, { body: 'a=1', headers: { ...simple, 'Content-Type': 'application/x-www-form-urlencoded' } })).status, 403);
  assert.doesNotMatch((await gateway.post('/v2/vectordb/databases/list', {})).text, /theirs/);
  assert.strictEqual((await gateway.request('GET', `/${INDEX}/c/theirs`)).status, 404);
});

test('origin: without tokens only names of the loopback lead here', async () => {
  const names = (port) => ['evil.example', `evil.example:${port}`, 'localhost.evil.example', 'evillocalhost', '10.0.0.1', '0.0.0.0', '128.0.0.1', '127.0.0.1.evil.example',
    '[::2]', '[::1].evil.example', '[', 'off', 'x'];

  for (const [path, port] of [['/_now', gateway.port], ['/metrics', gateway.metricsPort]]) {
    for (const Host of names(port)) {
      assert.strictEqual(await status(gateway, path, { Host }, port), 403, `${Host}${path}`);
    }
    for (const Host of ['localhost', `localhost:${port}`, 'LOCALHOST:1', 'a.localhost', 'localhost.', '127.0.0.1', '127.1.2.3:80', `[::1]:${port}`]) {
      assert.strictEqual(await status(gateway, path, { Host }, port), 200, `${Host}${path}`);
    }
  }
  assert.strictEqual(await status(gateway, 'http://localhost:1?a=://evil.example/', { Host: 'localhost' }), 200);
  const nameless = (await gateway.raw()).send('GET /_now HTTP/1.1\r\nHost:\r\nConnection: close\r\n\r\n');

  assert.match(await nameless.end(), /^HTTP\/1\.1 403 /);
  nameless.destroy();
  assert.strictEqual(await status(gateway, '/', { Host: `evil.example:${gateway.port}`, ...UPGRADE }), 403);
  assert.strictEqual(await status(gateway, '/', { Host: own(), ...UPGRADE }), 101);
});

test('origin: the name in a target that is whole counts as one', async () => {
  for (const target of ['http://evil.example/_now', 'http://evil.example', 'http://evil.example?a=://localhost/', 'HTTPS://evil.example:80/_now', 'http://localhost@evil.example/_now', 'http:///_now']) {
    assert.strictEqual(await status(gateway, target, { Host: 'localhost' }), 403, target);
  }
  assert.strictEqual(await status(gateway, '/_now?a=http://evil.example/', { Host: 'localhost' }), 200);
  assert.strictEqual(await status(gateway, 'http://localhost/_now', { Host: 'localhost' }), 200);
  assert.strictEqual(await status(gateway, 'http://localhost?a', { Host: 'localhost' }), 200);
  assert.match((await gateway.request('POST', 'http://localhost/v2/vectordb/nothing', { headers: { Host: 'localhost' }, body: '\xff' })).text, /page not found/);
});

test('origin: a page that is served where it calls is none of another site', async () => {
  assert.strictEqual(await status(gateway, '/_now', { Origin: `http://${own()}` }), 200);
  assert.strictEqual(await status(gateway, '/_now', { Host: 'localhost:80', Origin: 'http://localhost' }), 403);
  assert.strictEqual(await status(gateway, '/_now', { Host: 'evil.example', Origin: 'http://evil.example' }), 403);
  assert.strictEqual(await status(allowing, '/_now', { Host: 'db.example', Origin: 'https://db.example' }), 200);
});

test('origin: pages and names that are allowed', async () => {
  for (const headers of [{ Origin: OURS }, { Origin: 'null' }, { Host: 'db.example' }, { Host: 'DB.example:80', Origin: OURS }, { Host: '[2001:db8::1]:7512' }]) {
    assert.strictEqual(await status(allowing, '/_now', headers), 200, JSON.stringify(headers));
    assert.strictEqual(await status(allowing, '/', { ...headers, ...UPGRADE }), 101);
    assert.strictEqual(await status(allowing, '/metrics', headers, allowing.metricsPort), 200);
  }
  for (const headers of [{ Origin: THEIRS }, { Origin: `${OURS}:81` }, { Host: 'example' }, { Host: 'b.example' }, { Host: 'db.example', Origin: THEIRS }]) {
    assert.strictEqual(await status(allowing, '/_now', headers), 403, JSON.stringify(headers));
  }
});

test('origin: a refusal says what would help', async () => {
  const page = await gateway.request('GET', '/_now', { headers: { Origin: THEIRS } });
  const name = await gateway.request('GET', '/_now', { headers: { Host: 'evil.example' } });
  const watched = await (await fetch(`http://127.0.0.1:${gateway.metricsPort}/metrics`, { headers: { Origin: THEIRS } })).text();

  assert.deepStrictEqual([page.json.error.id, page.json.error.message], ['security.rights.forbidden', `pages of "${THEIRS}" may not call; see --allow-origin`]);
  assert.strictEqual(name.json.error.message, '"evil.example" is no name of this host; see --allow-host');
  assert.strictEqual(watched, page.json.error.message);
  assert.strictEqual(page.headers['access-control-allow-origin'], undefined);
});

/* A page may read an answer only if that names it, and says with which headers to ask. */
const TOLD = {
  kuzzle: ['GET, POST, PUT, PATCH, DELETE, HEAD, OPTIONS', ['content-type', 'authorization', 'x-kuzzle-volatile', 'access-control-allow-headers']],
  milvus: ['POST, OPTIONS, GET, PUT', ['content-type', 'contenttype', 'authorization', 'accept-type-allow-int64', 'db-name', 'request-timeout']],
};

function assertTold(answer, protocol, what, origin = OURS) {
  const [methods, names] = TOLD[protocol];
  const headers = Object.fromEntries(Object.entries(answer.headers).filter(([name]) => /^access-control|^vary/.test(name)));

  assert.deepStrictEqual({ ...headers, 'access-control-allow-headers': '' }, {
    'access-control-allow-headers': '', 'access-control-allow-methods': methods, 'access-control-allow-origin': origin,
    'access-control-allow-credentials': 'true', vary: 'Origin',
  }, what);
  for (const name of names) {
    assert.ok(headers['access-control-allow-headers'].toLowerCase().split(', ').includes(name), `${what}: ${name}`);
  }
}

test('origin: every answer of Kuzzle tells a page that it may be read', async () => {
  const headers = { Origin: OURS, 'Content-Type': 'application/json' };
  const large = 'x'.repeat(1001);

  for (const [code, method, path, more] of [
    [200, 'PUT', `/${INDEX}/c/a`, { body: {} }], [404, 'GET', `/${INDEX}/c/none`], [404, 'GET', '/no/such/path/at/all'], [200, 'OPTIONS', `/${INDEX}/c/a`],
    [200, 'HEAD', '/'], [400, 'PUT', `/${INDEX}/c/a`, { body: '{' }], [400, 'PUT', `/${INDEX}/c/a`, { body: '{}', headers: { 'Content-Type': 'text/plain' } }],
    [413, 'PUT', `/${INDEX}/c/a`, { body: large }], [417, 'GET', '/', { headers: { Expect: 'miracles' } }],
    [431, 'GET', '/', { headers: { X: 'y'.repeat(15000), Z: 'y'.repeat(15000) } }], [431, 'GET', '/', { headers: Object.fromEntries(Array.from({ length: 101 }, (_, i) => [`X-${i}`, 'y'])) }],
    [426, 'GET', '/', { headers: { ...UPGRADE, 'Sec-WebSocket-Version': '8' } }], [403, 'GET', '/', { headers: { Host: 'evil.example' } }],
  ]) {
    const answer = await allowing.request(method, path, { ...more, headers: { ...headers, ...more?.headers } });

    assert.strictEqual(answer.status, code, `${method} ${path}`);
    assertTold(answer, 'kuzzle', `${code} ${method} ${path}`);
  }
});

test('origin: every answer of Milvus tells a page that it may be read', async () => {
  const path = '/v2/vectordb/collections/list';

  for (const [code, method, target, body] of [
    [200, 'POST', path, '{}'], [200, 'POST', path, '{'], [404, 'POST', '/v2/vectordb/nothing', '{}'], [200, 'GET', '/v1/vector/collections'], [204, 'OPTIONS', path],
    [413, 'POST', path, 'x'.repeat(1001)],
  ]) {
    const answer = await allowing.request(method, target, { body, headers: { Origin: OURS } });

    assert.strictEqual(answer.status, code, `${method} ${target}`);
    assertTold(answer, 'milvus', `${code} ${method} ${target}`);
  }
});

test('origin: also answers to half a request, and without the database', async () => {
  const alone = await Gateway.start({ 'allow-origin': '*', 'read-timeout': 1, queue: 1, database: 'host=/nowhere' }, { connected: false });
  const told = (raw) => ({ headers: Object.fromEntries(raw.received.toString().split('\r\n\r\n')[0].split('\r\n').slice(1).map((line) => line.split(': ')).map(([name, value]) => [name.toLowerCase(), value])) });

  await Promise.all([
    [408, `GET / HTTP/1.1\r\nHost: localhost\r\nOrigin:${THEIRS} \r\nX-`], [408, `POST / HTTP/1.1\r\norigin: ${THEIRS}\r\nHost: localhost\r\nContent-Length: 5\r\n\r\n{`],
    [400, `GET / HTTP/1.1\r\nHost: localhost\r\nX : y\r\nORIGIN: ${THEIRS}\r\n\r\n`], [400, `GET /\r\nHost: localhost\r\nOrigin: ${THEIRS}\r\n\r\n`],
    [501, `PUT / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: gzip, chunked\r\nOrigin: ${THEIRS}\r\n\r\n`],
    [505, `GET / HTTP/3\r\nOrigin: ${THEIRS}\r\n\r\n`],
  ].map(async ([code, bytes]) => {
    const raw = (await alone.raw()).send(bytes);

    assert.strictEqual(await raw.status(), code, bytes);
    await raw.end();
    raw.destroy();
    assertTold(told(raw), 'kuzzle', bytes, THEIRS);
  }));
  const answer = await alone.request('GET', '/_now', { headers: { Origin: THEIRS } });

  assert.strictEqual(answer.status, 503);
  assertTold(answer, 'kuzzle', '503', THEIRS);
  assert.strictEqual((await alone.stop()).code, 0);
});

test('origin: no answer has such a header twice, and none is for pages if nobody asks', async () => {
  const raw = (await allowing.raw()).send(`GET /_now HTTP/1.1\r\nHost: localhost\r\nOrigin: ${OURS}\r\nConnection: close\r\n\r\n`);
  const head = (await raw.end()).split('\r\n\r\n')[0].toLowerCase().split('\r\n').slice(1).map((line) => line.split(':')[0]);
  const plain = await allowing.request('GET', '/_now');

  raw.destroy();
  assert.deepStrictEqual(head.filter((name, i) => head.indexOf(name) !== i), []);
  assert.deepStrictEqual([plain.headers['access-control-allow-origin'], plain.headers['access-control-allow-credentials'], plain.headers.vary], [undefined, undefined, 'Origin']);
});

test('origin: with tokens all pages may call, unless some are named', async () => {
  const key = '/tmp/kz-gateway-origin-' + crypto.randomUUID();

  fs.writeFileSync(key, crypto.randomBytes(48).toString('base64'));
  try {
    const open = await Gateway.start({ 'jwt-key': key, 'allow-host': undefined });
    const strict = await Gateway.start({ 'jwt-key': key, 'allow-host': 'db.example', 'allow-origin': OURS });
    const answer = await open.request('GET', '/_publicApi', { headers: { Origin: THEIRS, Host: 'evil.example' } });

    assert.strictEqual(answer.status, 200);
    assertTold(answer, 'kuzzle', 'with tokens', THEIRS);
    assertTold(await open.request('GET', `/${INDEX}/c/a`, { headers: { Origin: THEIRS } }), 'kuzzle', '401', THEIRS);
    assertTold(await open.post('/_checkToken', {}, { Origin: THEIRS }), 'kuzzle', 'of the gateway', THEIRS);
    assert.strictEqual((await open.post('/v2/vectordb/collections/list', {})).headers['access-control-allow-origin'], '*');
    assert.strictEqual(await status(strict, '/_publicApi', { Origin: OURS }), 200);
    assert.strictEqual(await status(strict, '/_publicApi', { Origin: THEIRS }), 403);
    assert.strictEqual(await status(strict, '/_publicApi', { Host: 'db.example' }), 200);
    assert.strictEqual(await status(strict, '/_publicApi', { Host: 'evil.example' }), 403);
    // A large body that is not wanted need not come first, whoever sends it.
    for (const [origin, expected] of [[THEIRS, 403], [OURS, 413]]) {
      const raw = (await strict.raw()).send(`PUT /${INDEX}/c/a/_upsert HTTP/1.1\r\nHost: db.example\r\nOrigin: ${origin}\r\nContent-Length: 2000000\r\n\r\n`);

      assert.strictEqual(await raw.status(), expected);
      assert.strictEqual(raw.received.includes(`Access-Control-Allow-Origin: ${origin}\r\n`), expected === 413);
      raw.destroy();
    }
    assert.strictEqual((await open.stop()).code, 0);
    assert.strictEqual((await strict.stop()).code, 0);
  } finally {
    fs.rmSync(key);
  }
});

test('origin: a value that nobody can send is refused', async () => {
  const refused = async (options, problem) => {
    const { code, log } = await (await Gateway.start({ 'allow-host': undefined, ...options }, { connected: false })).ended;

    assert.strictEqual(code, 2, JSON.stringify(options));
    assert.match(log, problem);
  };

  await Promise.all(['https://example.com/', 'https://example.com/path', 'x', 'example.com', 'https://', 'https://a b', 'https://user@example.com', 'https://example.com:443',
    'http://example.com:80', 'https://example.com:', 'https://example.com:x', 'https://example.com:65536', 'https://example.com:0444', 'https://exämple.com', `${OURS},x`, 'https://[::g]', '*.example.com', '', ','].map((origin) => refused({ 'allow-origin': origin }, /^kz-gateway: --allow-origin is what browsers send, as https:\/\/example\.com .*; not ./)));
  await Promise.all(['https://example.com', 'example.com:80', 'example.com/', '::1', '[::1]:80', '[::g]', 'exämple.com', 'a,b:1', '']
    .map((host) => refused({ 'allow-host': host }, /^kz-gateway: --allow-host is a name or an address, as db\.example\.com .*; not ./)));
});

test('origin: several values, of options and of the environment', async () => {
  const env = { KZ_GATEWAY_ALLOW_ORIGIN: 'https://a.example:8443, capacitor://localhost', KZ_GATEWAY_ALLOW_HOST: '10.0.0.1,b_c.example' };
  const named = await Gateway.start({ 'allow-host': undefined }, { env });
  const given = await Gateway.start({ 'allow-host': undefined, 'allow-origin': [OURS, THEIRS] }, { env });

  for (const Origin of ['https://a.example:8443', 'capacitor://localhost']) {
    assert.strictEqual(await status(named, '/_now', { Host: 'b_c.example', Origin }), 200);
    assert.strictEqual(await status(given, '/_now', { Origin }), 403);
  }
  for (const Origin of [OURS, THEIRS]) {
    assert.strictEqual(await status(named, '/_now', { Origin }), 403);
    assert.strictEqual(await status(given, '/_now', { Host: '10.0.0.1', Origin }), 200);
  }
  assert.strictEqual((await named.stop()).code, 0);
  assert.strictEqual((await given.stop()).code, 0);
});

test("origin: Kuzzle's SDK rejects what was refused", async () => {
  const kuzzle = new Kuzzle(new Http('127.0.0.1', { port: allowing.port }));

  await kuzzle.connect();
  await assert.rejects(kuzzle.document.upsert(INDEX, 'c', 'large', { text: 'x'.repeat(2000) }),
    { id: 'network.http.request_too_large', status: 413, code: 0x03010001, message: /^Maximum HTTP request size exceeded\./ });
  await assert.rejects(kuzzle.query({ controller: 'document', action: 'create', index: INDEX, collection: 'c', body: '{' }), { status: 400 });
  assert.strictEqual(await kuzzle.document.exists(INDEX, 'c', 'large'), false);
  kuzzle.disconnect();
});

test('origin: the end', async () => {
  await gateway.request('DELETE', `/${INDEX}`);
  assert.strictEqual((await gateway.stop()).code, 0);
  assert.strictEqual((await allowing.stop()).code, 0);
});

run();
