/*
 * HTTP as clients should not speak it, and as they may.
 */
'use strict';

const { Gateway, assert, run, test, until, withClient } = require('./harness');

// One whose clients have all the time they need, and one whose have not.
let gateway;
let hurried;
const INDEX = 'gateway-http';
const get = (target, more = '') => `GET ${target} HTTP/1.1\r\nHost: x\r\n${more}\r\n`;
const post = (headers, body = '') => `POST /_query HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n${headers}\r\n${body}`;
const NOW = '{"controller":"server","action":"now"}';
const NOW_CHUNK = `${NOW.length.toString(16)}\r\n${NOW}\r\n`;
const many = (n, line) => Array.from({ length: n }, (_, i) => line.replace('#', i)).join('');

test('http: a gateway', async () => {
  gateway = await Gateway.start({ 'max-body': 100000, 'allow-origin': 'http://x,http://site' });
  hurried = await Gateway.start({ 'read-timeout': 1 });
  assert.strictEqual((await gateway.put(`/${INDEX}/c`)).status, 200);
});

/* What comes, and the status that is answered. */
const ODD = {
  'bytes of TLS': ['\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n', 400],
  'no version': ['GET /_now\r\n\r\n', 400],
  'a version to come': ['GET /_now HTTP/2.0\r\nHost: x\r\n\r\n', 505],
  'another protocol': ['GET /_now SPDY/1\r\nHost: x\r\n\r\n', 400],
  'two spaces': ['GET  /_now HTTP/1.1\r\nHost: x\r\n\r\n', 400],
  'a method with a bracket': ['G(T /_now HTTP/1.1\r\nHost: x\r\n\r\n', 400],
  'a target without slash': [get('_now'), 400],
  'a target that is not UTF-8': [get('/\xff\xfe'), 400],
  'a control character in the target': [get('/a\x01b'), 400],
  'a zero in the head': [get('/_now', 'X: a\0b\r\n'), 400],
  'no host': ['GET /_now HTTP/1.1\r\n\r\n', 400],
  'two hosts': [get('/_now', 'Host: y\r\n'), 400],
  'a header without colon': [get('/_now', 'what\r\n'), 400],
  'a space before the colon': [get('/_now', 'X : y\r\n'), 400],
  'a header over two lines': [get('/_now', 'X: y\r\n z\r\n'), 400],
  'a carriage return in a header': [get('/_now', 'X: y\rSet-Cookie: z\r\n'), 400],
  'a line feed in a header': [get('/_now', 'X: y\nSet-Cookie: z\r\n'), 400],
  'a control character in a header': [get('/_now', 'X: y\x01\r\n'), 400],
  'a DEL in a header': [get('/_now', 'X: \x7f\r\n'), 400],
  'a control character in credentials': [get('/_now', 'Authorization: Bearer \x1b\r\n'), 400],
  'too many headers': [get('/_now', many(101, 'X-#: y\r\n')), 431],
  'a head that is too large': [get('/_now', `X: ${'y'.repeat(20000)}\r\n`), 431],
  'a head that does not end': [`GET /${'y'.repeat(40000)}`, 431],
  'two lengths': [post('Content-Length: 5\r\nContent-Length: 5\r\n', 'hello'), 400],
  'a list of lengths': [post('Content-Length: 5, 5\r\n', 'hello'), 400],
  'a length with a sign': [post('Content-Length: +5\r\n', 'hello'), 400],
  'a length in hexadecimal': [post('Content-Length: 0x5\r\n', 'hello'), 400],
  'no length in a length': [post('Content-Length: \r\n', 'hello'), 400],
  'a length beyond all numbers': [post('Content-Length: 99999999999999999999999\r\n'), 413],
  'a length that is too much': [post('Content-Length: 100001\r\n'), 413],
  'length and chunks': [post('Content-Length: 5\r\nTransfer-Encoding: chunked\r\n', '0\r\n\r\n'), 400],
  'chunks twice': [post('Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n', '0\r\n\r\n'), 400],
  'chunks of something': [post('Transfer-Encoding: gzip, chunked\r\n', '0\r\n\r\n'), 501],
  'chunks of old': ['POST /_query HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n', 400],
  'a chunk of no size': [post('Transfer-Encoding: chunked\r\n', '\r\n\r\n'), 400],
  'a chunk of a negative size': [post('Transfer-Encoding: chunked\r\n', '-1\r\n\r\n'), 400],
  'a chunk whose size overflows': [post('Transfer-Encoding: chunked\r\n', '10000000000000005\r\nhello\r\n'), 400],
  'a chunk that is too large': [post('Transfer-Encoding: chunked\r\n', '186a1\r\n'), 413],
  'chunks that are too much together': [post('Transfer-Encoding: chunked\r\n', many(3, `c350\r\n${'x'.repeat(50000)}\r\n`)), 413],
  'a chunk that is longer than it says': [post('Transfer-Encoding: chunked\r\n', '2\r\nhello\r\n0\r\n\r\n'), 400],
  'a chunk with a line feed in its size': [post('Transfer-Encoding: chunked\r\n', '5;a\nb\r\nhello\r\n0\r\n\r\n'), 400],
  'a size of a chunk without end': [post('Transfer-Encoding: chunked\r\n', `5;${'a'.repeat(300)}`), 400],
  'chunks that say much': [post('Transfer-Encoding: chunked\r\n', many(50, `1;${'a'.repeat(200)}\r\nx\r\n`)), 431],
  'a trailer without end': [post('Transfer-Encoding: chunked\r\n', `0\r\n${many(1000, 'X: y\r\n')}`), 431],
  'a trailer that ends lines in another way': [post('Transfer-Encoding: chunked\r\n', NOW_CHUNK + '0\r\nX: y\n\r\nGET /_now HTTP/1.1\r\nHost: x\r\n\r\n'), 400],
  'a trailer with a carriage return': [post('Transfer-Encoding: chunked\r\n', NOW_CHUNK + '0\r\nX: y\rz\r\n\r\n'), 400],
  'a trailer with a zero': [post('Transfer-Encoding: chunked\r\n', NOW_CHUNK + '0\r\nX: y\0\r\n\r\n'), 400],
  'a trailer without colon': [post('Transfer-Encoding: chunked\r\n', NOW_CHUNK + '0\r\nX\r\n\r\n'), 400],
  'a chunk with a carriage return in its size': [post('Transfer-Encoding: chunked\r\n', `${NOW_CHUNK}0;a\rb\r\n\r\n`), 400],
  'another expectation': [post('Expect: miracles\r\nContent-Length: 5\r\n', 'hello'), 417],
  'a body that is not UTF-8': [post('Content-Length: 4\r\n', '"\xc3("'), 400],
  'a surrogate in a body': [post('Content-Length: 5\r\n', '"\xed\xa0\x80"'), 400],
  'a zero in a body': [post('Content-Length: 3\r\n', '{}\0'), 400],
  'a body that is not JSON': [post('Content-Length: 5\r\n', '{"a":'), 400],
  'a method of its own': ['PURGE /_now HTTP/1.1\r\nHost: x\r\n\r\n', 400],
  'nothing but line feeds': ['GET /_now HTTP/1.1\nHost: x\n\n', 408],
  'half a head': ['GET /_now HTTP/1.1\r\nHo', 408],
  'half a body': [post('Content-Length: 50\r\n', '{'), 408],
  'WebSocket without key': [get('/', 'Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n'), 426],
  'WebSocket of old': [get('/', 'Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 8\r\n' +
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n'), 426],
};

for (const [name, [bytes, status]] of Object.entries(ODD)) {
  test(`http: ${name}`, async () => {
    const raw = (await (status === 408 ? hurried : gateway).raw()).send(bytes);

    assert.strictEqual(await raw.status(), status);
    raw.destroy();
  });
}

test('http: errors have the shape of the protocol', async () => {
  const large = 'x'.repeat(100001);
  const kuzzle = await gateway.put(`/${INDEX}/c/a/_upsert`, large);
  const milvus = await gateway.post('/v2/vectordb/collections/list', large);
  const message = "Maximum HTTP request size exceeded. It is larger than the gateway's --max-body allows.";

  const error = { code: 0x03010001, id: 'network.http.request_too_large', message, props: [], status: 413 };

  // Kuzzle's SDK takes for a success what has no "error".
  assert.deepStrictEqual([kuzzle.status, kuzzle.json], [413, { ...error, error }]);
  assert.deepStrictEqual([milvus.status, milvus.json], [413, { code: 65535, message }]);
});

test('http: an answer comes even to who sends on', async () => {
  const raw = (await gateway.raw()).send(post('Content-Length: 9000000\r\n'));

  for (let i = 0; i < 90; i++) {
    raw.send('x'.repeat(100000));
  }
  assert.strictEqual(await raw.status(), 413);
  assert.match(await raw.end(), /request_too_large/);
});

test('http: nothing of an error is taken for a request', async () => {
  const raw = (await gateway.raw()).send(post('Content-Length: 5\r\nTransfer-Encoding: chunked\r\n', `0\r\n\r\n${get('/_now')}`));
  const answers = await raw.end();

  assert.strictEqual(answers.match(/HTTP\/1\.1 /g).length, 1);
  assert.match(answers, /Connection: close/);
});

test('http: a body is a body, whatever it looks like', async () => {
  const smuggled = get('/_now');
  const raw = (await gateway.raw()).send(post(`Connection: close\r\nContent-Length: ${smuggled.length}\r\n`, smuggled));
  const answers = await raw.end();

  assert.strictEqual(answers.match(/HTTP\/1\.1 /g).length, 1);
  assert.match(answers, /body_parse_failed/);
});

test('http: what the client says makes no header', async () => {
  for (const target of ['/%0d%0aSet-Cookie:%20a=b', '/a%0d%0a%0d%0aHTTP/1.1 200'.replace(' ', '%20'), '/a/b/_now?x=%0d%0aSet-Cookie:%20a=b']) {
    const { headers } = await gateway.request('GET', target, { headers: { Origin: 'http://x', 'X-Kuzzle-Request-Id': 'a\tb' } });

    assert.strictEqual(headers['set-cookie'], undefined);
  }
});

test('http: chunks', async () => {
  const raw = (await gateway.raw()).send(post('Transfer-Encoding: chunked\r\nConnection: close\r\n'));

  for (const c of NOW) {
    raw.send(`1;why="not"\r\n${c}\r\n`);
  }
  raw.send('0\r\nX-Trailer: y\r\n\r\n');
  assert.match(await raw.end(), /^HTTP\/1\.1 200 .*"action": "now"/s);
});

test('http: a byte at a time', async () => {
  const raw = await gateway.raw();

  for (const c of post(`Connection: close\r\nContent-Length: ${NOW.length}\r\n`, NOW)) {
    raw.send(c);
    await new Promise(setImmediate);
  }
  assert.match(await raw.end(), /^HTTP\/1\.1 200 /);
});

test('http: several requests at once are answered in turn', async () => {
  const raw = (await gateway.raw()).send(`\r\n${Array.from({ length: 50 }, (_, i) =>
    get('/_now', `X-Kuzzle-Request-Id: r${i}\r\n`)).join('')}${get('/_now', 'Connection: close\r\n')}`);
  const answers = await raw.end();

  assert.deepStrictEqual(answers.match(/"requestId": "r\d+"/g), Array.from({ length: 50 }, (_, i) => `"requestId": "r${i}"`));
  assert.strictEqual(answers.match(/HTTP\/1\.1 200/g).length, 51);
});

test('http: 100 Continue', async () => {
  const raw = (await gateway.raw()).send(post(`Expect: 100-continue\r\nConnection: close\r\nContent-Length: ${NOW.length}\r\n`));

  assert.strictEqual(await raw.status(), 100);
  raw.send(NOW);
  assert.match(await raw.end(), /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 OK/);
});

test('http: a client that only listens any more is answered', async () => {
  const raw = (await gateway.raw()).send(get('/_now'));

  raw.socket.end();
  assert.match(await raw.end(), /^HTTP\/1\.1 200 .*"now"/s);
});

test('http: half a request, and the end', async () => {
  const raw = (await gateway.raw()).send(post('Content-Length: 50\r\n', '{'));

  raw.socket.end();
  assert.strictEqual(await raw.end(), '');
});

test('http: connections stay open, or not', async () => {
  const open = (await gateway.raw()).send(get('/_now'));
  const old = (await gateway.raw()).send('GET /_now HTTP/1.0\r\n\r\n');

  assert.match(await old.end(), /^HTTP\/1\.1 200 .*Connection: close/s);
  await until(() => open.received.includes('"now"'));
  assert.match(open.received.toString(), /Connection: keep-alive/);
  open.send(get('/_now', 'Connection: close\r\n'));
  assert.strictEqual((await open.end()).match(/HTTP\/1\.1 200/g).length, 2);
});

test('http: HEAD, OPTIONS and unknown paths', async () => {
  const head = await gateway.request('HEAD', '/');
  const options = await gateway.request('OPTIONS', '/any/path', { headers: { Origin: 'http://site' } });
  const unknown = await gateway.request('GET', '/no/such/path/at/all');

  assert.deepStrictEqual([head.status, head.text], [200, '']);
  assert.deepStrictEqual([options.status, options.headers['access-control-allow-origin'], options.headers.vary], [200, 'http://site', 'Origin']);
  assert.deepStrictEqual([unknown.status, unknown.json.error.id], [404, 'network.http.url_not_found']);
  assert.strictEqual((await gateway.request('OPTIONS', '/v2/vectordb/collections/list')).status, 204);
  assert.deepStrictEqual(await gateway.post('/v2/vectordb/nothing', '{}').then(({ status, text }) => [status, text]), [404, '404 page not found']);
});

test('http: what is escaped in a target stays what it is', async () => {
  for (const id of ['a/b', 'a+b', 'a b', 'ü', '%', 'a?b', '..', 'a#b', '\\']) {
    const url = `/${INDEX}/c/${encodeURIComponent(id).replace(/\./g, '%2e')}`;

    assert.strictEqual((await gateway.put(`${url}/_upsert`, { changes: { n: 1 } })).json.result._id, id);
    assert.strictEqual((await gateway.request('GET', url)).json.result._id, id);
  }
});

test("http: the examples of Kuzzle's manual", async () => {
  await gateway.put(`/${INDEX}/c/doc`, { name: 'one' });
  const updated = await gateway.put(`/${INDEX}/c/doc/_update?refresh=wait_for&retryOnConflict=3&source`, { seats: 5 });
  const upserted = await gateway.post(`/${INDEX}/c/new/_upsert?refresh=wait_for&source`, { changes: { a: 1 }, default: { b: 2 } });
  const several = await gateway.post(`/${INDEX}/c/_mUpsert`, { documents: [{ _id: 'm', changes: { a: 1 } }] });

  assert.deepStrictEqual([updated.status, updated.json.result._source.name, updated.json.result._source.seats], [200, 'one', 5]);
  assert.deepStrictEqual([upserted.status, upserted.json.result.created, upserted.json.result._source.b], [200, true, 2]);
  assert.deepStrictEqual(several.json.result.successes.map(({ status }) => status), [201]);
  assert.strictEqual(updated.headers['content-type'], 'application/json');
  assert.strictEqual((await gateway.request('DELETE', `/${INDEX}/c/_mDelete`,
    { body: { ids: ['m', 'new'] }, headers: { 'Content-Type': 'application/json' } })).json.result.successes.length, 2);
});

test('http: /metrics', async () => {
  const before = await gateway.metric('answers_total{protocol="kuzzle_http",status="2xx"}');

  await gateway.request('GET', '/_now');
  assert.strictEqual(await gateway.metric('answers_total{protocol="kuzzle_http",status="2xx"}'), before + 1);
  await until(async () => await gateway.metric('database_connections') === 4);
  assert.strictEqual((await fetch(`http://127.0.0.1:${gateway.metricsPort}/_now`)).status, 404);
  assert.strictEqual(await gateway.metric('requests_in_progress'), 0);
});

test('http: the log has no secrets', async () => {
  await gateway.request('GET', '/_now?token=secret1', { headers: { Authorization: 'Bearer secret2', 'X-Kuzzle-Request-Id': 'seen' } });
  await gateway.post('/_login/local', { username: 'x', password: 'secret3' });
  await until(() => gateway.log.includes('_login/local'));
  assert.match(gateway.log, /method="GET" target="\/_now" kuid="-1" status=200 ms=[\d.]+ bytes=\d+/);
  assert.doesNotMatch(gateway.log, /secret/);
});

test('http: nobody waits for who reads the log', async () => {
  const raw = await gateway.raw();

  gateway.process.stderr.pause();
  for (let i = 0; i < 20; i++) {
    raw.send(get('/_now').repeat(200));
  }
  raw.send(get('/_now', 'Connection: close\r\n'));
  assert.strictEqual((await raw.end()).match(/HTTP\/1\.1 200/g).length, 4001);
  gateway.process.stderr.resume();
  assert.strictEqual((await gateway.request('GET', '/_now')).status, 200);
});

test('http: a line of the log is one, whatever is in it', async () => {
  const told = await Gateway.start({ 'log-format': 'json' });
  const forged = '{"target":"/forged"}';

  await withClient((client) => client.query(`CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS
      $$BEGIN RAISE WARNING '%', NEW._source ->> 'text'; RETURN NEW; END$$;
    CREATE TRIGGER tell BEFORE INSERT ON "${INDEX}".c FOR EACH ROW WHEN (NEW._source ? 'text') EXECUTE FUNCTION tell()`));
  assert.strictEqual((await told.put(`/${INDEX}/c/told/_upsert`, { changes: { text: `x\n${forged}` } })).status, 200);
  assert.strictEqual((await told.request('GET', `/${'x'.repeat(510)}${encodeURIComponent('é')}`)).status, 404);
  (await told.raw()).send(get(`/${'x'.repeat(510)}\xc3\xa9`));
  await until(() => told.log.match(/"method":"GET"/g)?.length === 2);
  assert.strictEqual((await told.stop()).code, 0);
  const lines = told.log.trim().split('\n').map((line) => JSON.parse(line));
  assert.ok(lines.some(({ message }) => message?.startsWith('the database says: WARNING:  x')), told.log);
  assert.deepStrictEqual(lines.filter(({ target }) => target === '/forged'), []);
  assert.ok(!told.log.includes('\ufffd'));
});

test('http: the end', async () => {
  await gateway.request('DELETE', `/${INDEX}`);
  assert.strictEqual((await hurried.stop()).code, 0);
  assert.strictEqual((await gateway.stop()).code, 0);
});

run();
