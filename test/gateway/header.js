/*
 * Headers and chunks: what is taken though it is unusual, and what is refused as it could
 * be read in two ways.
 */
'use strict';

const zlib = require('node:zlib');
const { example } = require('../sdk/transport');
const { Gateway, assert, run, test, withClient } = require('./harness');

const { Http, Kuzzle } = example('kuzzle-sdk');
const INDEX = 'gateway-header';
const NOW = '{"controller":"server","action":"now"}';
const get = (target, more = '') => `GET ${target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${more}\r\n`;
const chunked = (chunks) => `POST /_query HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n${chunks}`;
const whole = `${NOW.length.toString(16)}\r\n${NOW}\r\n`;

let gateway;

/** Send bytes, latin1, and take the answer apart. */
async function ask(bytes, to = gateway) {
  const raw = (await to.raw()).send(bytes);
  const answer = await raw.end();

  raw.destroy();
  return { status: Number(answer.slice(9, 12)), json: /^\{/.test(answer.split('\r\n\r\n')[1]) ? JSON.parse(Buffer.from(answer.split('\r\n\r\n')[1], 'latin1')) : undefined, answer };
}

test('header: a gateway', async () => {
  gateway = await Gateway.start();
  assert.strictEqual((await gateway.put(`/${INDEX}/c`)).status, 200);
});

test('header: bytes that are not UTF-8 are Latin-1', async () => {
  for (const [name, value] of [['User-Agent', 'caf\xe9'], ['Cookie', 'a=\xff\xfe'], ['Referer', 'http://x/\x80'], ['X-Anything', '\xc3('], ['X-Tab', 'a\tb']]) {
    assert.strictEqual((await ask(get('/_now', `${name}: ${value}\r\n`))).status, 200, name);
  }
  for (const sent of ['José', Buffer.from('José').toString('latin1')]) {
    assert.deepStrictEqual((await ask(get('/_now', `X-Kuzzle-Volatile: {"user":"${sent}"}\r\n`))).json.volatile, { user: 'José' });
  }
  assert.strictEqual((await ask(get('/_now', 'X-Kuzzle-Request-Id: \xe9\xff\r\n'))).json.requestId, 'éÿ');
});

test("header: Kuzzle's SDK sends what it is told to", async () => {
  const kuzzle = new Kuzzle(new Http('127.0.0.1', { port: gateway.port }));

  await kuzzle.connect();
  await kuzzle.document.createOrReplace(INDEX, 'c', 'keep', {});
  kuzzle.volatile = { user: 'José' };
  assert.strictEqual(await kuzzle.document.exists(INDEX, 'c', 'keep'), true);
  await kuzzle.document.delete(INDEX, 'c', 'keep');
  assert.strictEqual(await kuzzle.document.exists(INDEX, 'c', 'keep'), false);
  kuzzle.disconnect();
});

test('header: characters that control something are refused', async () => {
  for (const code of [...Array(32).keys(), 127].filter((c) => c !== 9)) {
    const c = String.fromCharCode(code);

    for (const header of [`X: a${c}b`, `Authorization: Bearer ${c}`, `Content-Type: application/json${c}`, `X${c}: y`]) {
      // A line feed alone ends no line.
      assert.strictEqual((await ask(get('/_now', `${header}\r\n`))).status, 400, JSON.stringify(header));
    }
  }
});

test('header: lists may come in several lines', async () => {
  const now = (connection) => `GET /_now HTTP/1.1\r\nHost: x\r\n${connection}\r\n`;
  const upgrade = 'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n';
  const closing = await ask(now('Connection: keep-alive\r\nConnection: TE, Close\r\n'));
  const raw = (await gateway.raw()).send(now('Connection: keep-alive\r\nConnection: TE\r\n') + now('Connection: close\r\n'));

  assert.strictEqual(closing.status, 200);
  assert.strictEqual((await raw.end()).match(/HTTP\/1\.1 200/g).length, 2);
  raw.destroy();
  for (const lines of ['Upgrade: websocket\r\nConnection: keep-alive\r\nConnection: Upgrade\r\n', 'Upgrade: h2c\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n',
    'Connection: Upgrade\r\nUpgrade: h2c, WebSocket\r\nSec-WebSocket-Protocol: a\r\nSec-WebSocket-Protocol: b\r\n']) {
    const socket = (await gateway.raw()).send(now(lines + upgrade));

    assert.strictEqual(await socket.status(), 101, lines);
    socket.destroy();
  }
  assert.strictEqual((await ask(get('/_now', 'Accept: a\r\nAccept: b\r\nX-Forwarded-For: 1.1.1.1\r\nX-Forwarded-For: 2.2.2.2\r\n'))).status, 200);
});

test('header: what is one thing may be there once', async () => {
  for (const line of ['Host: x', 'Content-Length: 0', 'Content-Type: application/json', 'Transfer-Encoding: chunked', 'Authorization: Bearer x', 'Origin: http://127.0.0.1', 'Expect: 100-continue',
    'X-Kuzzle-Volatile: {}', 'X-Kuzzle-Request-Id: a', 'DB-Name: default', 'Accept-Type-Allow-Int64: true', 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==', 'Sec-WebSocket-Version: 13']) {
    const { status, answer } = await ask(get('/_now', `${line}\r\n${line.toLowerCase()}\r\n`));

    assert.strictEqual(status, 400, line);
    assert.match(answer, /a header is there twice/);
  }
  for (const host of ['a b', 'a,b', 'a/b', 'a@b', 'a\xe9', '"a"', 'a\\b']) {
    assert.strictEqual((await ask(`GET /_now HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`)).status, 400, host);
  }
});

test('header: chunks that others may read in another way are refused', async () => {
  for (const [name, chunks] of Object.entries({
    'a blank behind the size': `7 5\r\n{"x":1}\r\n0\r\n\r\n`, 'a blank behind the last size': `${whole}0 zz\r\n\r\n`, 'a tab behind the size': `${whole}0\tzz\r\n\r\n`,
    'a blank alone behind the size': `${whole}0 \r\n\r\n`, 'a blank in front of the size': `${whole} 0\r\n\r\n`, 'a comma behind the size': `${whole}0,a\r\n\r\n`,
    'a size of C': `0x26\r\n${NOW}\r\n0\r\n\r\n`, 'a sign': `+26\r\n${NOW}\r\n0\r\n\r\n`, 'a control character in an extension': `${whole}0;a\x01\r\n\r\n`,
    'a line feed alone behind the size': `26\n${NOW}\r\n0\r\n\r\n`, 'a line feed alone behind a chunk': `26\r\n${NOW}\n0\r\n\r\n`,
    'a trailer over two lines': `${whole}0\r\nA: b\r\n folded: b\r\n\r\n`, 'a trailer that begins with a tab': `${whole}0\r\n\tA: b\r\n\r\n`, 'a name of a trailer with a blank': `${whole}0\r\nbad name: c\r\n\r\n`,
    'a blank before the colon of a trailer': `${whole}0\r\nA : c\r\n\r\n`, 'a trailer without name': `${whole}0\r\n: c\r\n\r\n`, 'a control character in a trailer': `${whole}0\r\nA: \x1b\r\n\r\n`,
  })) {
    assert.strictEqual((await ask(chunked(chunks))).status, 400, name);
  }
  for (const chunks of [`${whole}0\r\n\r\n`, `26 ;a=b\r\n${NOW}\r\n0\t; c="d e"\r\nA: b\r\nC:\r\nD: \xe9\r\n\r\n`, `026;\r\n${NOW}\r\n00\r\n\r\n`]) {
    assert.strictEqual((await ask(chunked(chunks))).status, 200, chunks);
  }
});

test('header: a body that is compressed is refused as that', async () => {
  const text = JSON.stringify({ changes: { a: 1 } });
  const send = async (encoding, bytes, path, type = 'application/json') => ask(`PUT ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: ${type}\r\n` +
    `${encoding}Content-Length: ${bytes.length}\r\n\r\n${bytes.toString('latin1')}`);

  for (const [encoding, bytes] of [['gzip', zlib.gzipSync(text)], ['deflate', zlib.deflateSync(text)], ['br', zlib.brotliCompressSync(text)], ['identity, gzip', zlib.gzipSync(text)], ['gzip', Buffer.from(text)]]) {
    const { status, json } = await send(`Content-Encoding: ${encoding}\r\n`, bytes, `/${INDEX}/c/z/_upsert`);
    const message = `Invalid request content-type. Expected "application/json", got: "${encoding}".`;

    assert.deepStrictEqual([status, json.id, json.message, json.error.message], [400, 'network.http.unsupported_content', message, message]);
  }
  // It is what the database says where it is asked.
  const { json: { message } } = await send('Content-Encoding: gzip\r\n', Buffer.from(text), `/${INDEX}/c/z/_upsert`);
  const [{ body }] = await withClient(async (client) =>
    (await client.query('SELECT body FROM kz_http($1, $2, $3, $4)', ['PUT', `/${INDEX}/c/z/_upsert`, '{"content-encoding": "gzip"}', text])).rows);
  assert.strictEqual(JSON.parse(body).message, message);
  const { json } = await send('Content-Encoding: gzip\r\n', zlib.gzipSync('{}'), '/v2/vectordb/collections/list');
  assert.deepStrictEqual(json, { code: 1801, message });
  assert.strictEqual((await send('Content-Encoding: identity\r\n', Buffer.from(text), `/${INDEX}/c/z/_upsert`)).status, 200);
  assert.strictEqual((await send('Content-Encoding: gzip\r\nContent-Encoding: identity\r\n', zlib.gzipSync(text), `/${INDEX}/c/z/_upsert`)).json.id, 'network.http.unsupported_content');
  assert.strictEqual((await ask(get('/_now', 'Content-Encoding: gzip\r\n'))).status, 200);
});

test('header: the end', async () => {
  await gateway.request('DELETE', `/${INDEX}`);
  assert.strictEqual((await gateway.stop()).code, 0);
});

run();
