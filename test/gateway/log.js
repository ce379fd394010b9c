/*
 * The log: a line is one line, whatever clients, tokens and the database say.
 */
'use strict';

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { Gateway, assert, crypto, run, sign, test } = require('./harness');

const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'kz-log-'));
const SECRET = crypto.randomBytes(48).toString('base64');
const KEY = path.join(dir, 'key');

process.on('exit', () => fs.rmSync(dir, { recursive: true }));
fs.writeFileSync(KEY, SECRET);

const range = (first, last) => Array.from({ length: last - first + 1 }, (_, i) => first + i);
/* What ends lines, controls terminals, or turns text around. */
const EVIL = [...range(0x7f, 0x9f), 0x61c, 0x200e, 0x200f, ...range(0x2028, 0x202e), ...range(0x2066, 0x2069), 0xfeff];
const TEXT = EVIL.map((code) => String.fromCodePoint(code)).join('A');
const ESCAPED = EVIL.map((code) => `\\u${code.toString(16).padStart(4, '0')}`).join('A');
/* What is no matter of the log. */
const FAIR = 'é ß 漢 \u00a0 \u200d 😀 ';

/** The lines of a log; none may be more than one. */
function lines(log) {
  assert.doesNotMatch(log, /[\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/);
  return log.trimEnd().split('\n');
}

for (const format of ['text', 'json']) {
  test(`log: a line is one, in all its fields, as ${format}`, async () => {
    const gateway = await Gateway.start({ 'jwt-key': KEY, 'log-format': format, 'metrics-listen': 'off' });
    const token = sign({ sub: `user ${FAIR}${TEXT}`, role: `r${TEXT}`, exp: 4e9 }, SECRET);
    const raw = (await gateway.raw()).send(Buffer.from(`GET /a${TEXT.replace(/[\u007f\s]/gu, '')}${FAIR.replaceAll(' ', '')} HTTP/1.1\r\n` +
      `Host: x\r\nConnection: close\r\n\r\n`));

    await raw.end();
    raw.destroy();
    assert.strictEqual((await gateway.request('GET', '/_now', { headers: { Authorization: `Bearer ${token}` } })).status, 403);
    assert.ok([401, 503].includes((await gateway.post('/_login/local', { username: `u${TEXT.slice(0, 20)}`, password: 'x' })).status));
    const socket = await gateway.socket();
    await socket.ask({ controller: `c\n${TEXT}`, action: 'a\t"\\', requestId: 'x' });
    socket.raw.destroy();
    const { code, log } = await gateway.stop();

    assert.strictEqual(code, 0);
    const all = lines(log);
    const find = (word) => all.find((line) => line.includes(word));
    const target = find('/a');
    for (const part of ['\\u0085', '\\u009b', '\\u202e', FAIR.replaceAll(' ', '')]) {
      assert.ok(target.includes(part), `${part}: ${target}`);
    }
    // The problem is what PostgreSQL says, and it says the name of the role.
    const request = find('user é');
    assert.ok(request.includes(`user ${FAIR}${ESCAPED}`), request);
    assert.match(request, /problem"?[:=]"role [^=]*\\u0085/);
    assert.match(find('no login'), /u\\u007fA\\u0080A\\u0081/);
    const frame = find('c\\u000a');
    assert.ok(frame.includes(`c\\u000a${ESCAPED}:a\\u0009\\"\\\\`), frame);
    if (format === 'json') {
      const parsed = all.map((line) => JSON.parse(line));

      assert.ok(parsed.some(({ kuid }) => kuid === `user ${FAIR}${TEXT}`));
      assert.ok(parsed.some((entry) => entry.target === `c\n${TEXT}:a\t"\\`));
    }
  });
}

/** What the log says of requests with these headers from 127.0.0.1: whom they are from. */
async function forwarded(trust, requests) {
  const gateway = await Gateway.start({ 'metrics-listen': 'off', ...trust && { 'trust-forwarded': trust } }, { connected: false });

  for (const [i, headers] of requests.entries()) {
    const raw = (await gateway.raw()).send(Buffer.from(`GET /${i}?x HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n${headers.map((line) => `${line}\r\n`).join('')}\r\n`));

    await raw.status();
    raw.destroy();
  }
  const { code, log } = await gateway.stop();

  assert.strictEqual(code, 0);
  return requests.map((_, i) => new RegExp(`client="127\\.0\\.0\\.1:\\d+"(?: forwarded="((?:[^"\\\\]|\\\\.)*)")? method="GET" target="/${i}"`).exec(log)?.[1]);
}

test('log: whom a proxy has a request from', async () => {
  const x = (value) => [`X-Forwarded-For: ${value}`];
  const standard = (value) => [`Forwarded: ${value}`];

  for (const [trust, cases] of [
    [undefined, [[x('1.2.3.4'), undefined]]],
    ['10.0.0.0/8', [[x('1.2.3.4'), undefined]]],
    [['10.0.0.0/8', '127.0.0.1'], [[x('1.2.3.4, 10.1.2.3'), '1.2.3.4'], [x('1.2.3.4, 11.1.2.3'), '11.1.2.3']]],
    ['10.0.0.0/8, 127.0.0.1,2001:db8::/33,192.168.7.128/25', [
      [[], undefined],
      [x('1.2.3.4'), '1.2.3.4'],
      [x('6.6.6.6, 1.2.3.4'), '1.2.3.4'],
      [x(' 6.6.6.6,1.2.3.4 ,10.1.2.3, , 10.255.0.1'), '1.2.3.4'],
      [['X-Forwarded-For: 6.6.6.6', 'x-forwarded-for: 1.2.3.4'], '1.2.3.4'],
      [['X-Forwarded-For: 1.2.3.4', 'Accept: a', 'X-FORWARDED-FOR: 10.0.0.7'], '1.2.3.4'],
      [x('10.0.0.1, 10.0.0.2'), '10.0.0.1'],
      [x('1.2.3.4:567, 10.0.0.2:80'), '1.2.3.4:567'],
      [x('1.2.3.4, 192.168.7.128'), '1.2.3.4'],
      [x('1.2.3.4, 192.168.7.127'), '192.168.7.127'],
      [x('1.2.3.4, [2001:db8:7fff::1]:80, 2001:DB8::2, ::ffff:10.0.0.1'), '1.2.3.4'],
      [x('1.2.3.4, 2001:db8:8000::1'), '2001:db8:8000::1'],
      [x('1.2.3.4, unknown'), 'unknown'],
      [x('a\u2028b"c'), 'a\\u2028b\\"c'],
      [x('y'.repeat(500)), 'y'.repeat(64)],
      [x(','), undefined],
      [standard('for=1.2.3.4;proto=https, for="10.0.0.1:80";by=10.0.0.2'), '1.2.3.4'],
      [standard('proto=http; For="[2001:db8:8000::1]:47011"'), '[2001:db8:8000::1]:47011'],
      [standard('for="_a,b;for=7.7.7.7", for=10.0.0.1'), '_a,b;for=7.7.7.7'],
      [[...x('1.2.3.4'), ...standard('for=6.6.6.6')], '1.2.3.4'],
      [standard('for='), 'for='],
      // Who opens a quotation mark hides nothing of what proxies add.
      [x('"6.6.6.6, 1.2.3.4'), '1.2.3.4'],
      [x(`"${'y'.repeat(80)}, 1.2.3.4, 10.0.0.1`), '1.2.3.4'],
      [standard('for="6.6.6.6, for=1.2.3.4'), '1.2.3.4'],
      [standard('for="6.6.6.6, for="10.0.0.1:80"'), '6.6.6.6'],
      [standard('for="6.6.6.6\\, for="[2001:db8:8000::1]:47011";by="10.0.0.2, 10.0.0.3"'), '[2001:db8:8000::1]:47011'],
      [standard('"";for=1.2.3.4'), '1.2.3.4'],
      [standard('host="a;for=6.6.6.6";for=1.2.3.4'), '1.2.3.4'],
    ]],
    ['0.0.0.0/0', [[x('1.2.3.4, 5.6.7.8'), '1.2.3.4'], [x('1.2.3.4, 2001:db8::1'), '2001:db8::1']]],
    ['::/0', [[x('1.2.3.4, 2001:db8::1'), '1.2.3.4']]],
  ]) {
    const told = await forwarded(trust, cases.map(([headers]) => headers));

    assert.deepStrictEqual(told, cases.map(([, expected]) => expected), `${trust}`);
  }
});

test('log: whom a proxy has a WebSocket from', async () => {
  const gateway = await Gateway.start({ 'metrics-listen': 'off', 'trust-forwarded': '127.0.0.1', 'log-format': 'json' }, { connected: false });
  const socket = await gateway.socket('X-Forwarded-For: 1.2.3.4\r\n');

  await socket.ask({ controller: 'server', action: 'now' });
  await socket.ask({ controller: 'server', action: 'now' });
  socket.raw.destroy();
  const { code, log } = await gateway.stop();

  assert.strictEqual(code, 0);
  assert.deepStrictEqual(lines(log).map((line) => JSON.parse(line)).filter(({ method }) => method === 'WS').map((entry) => entry.forwarded), ['1.2.3.4', '1.2.3.4']);
});

test('log: what is no proxy', async () => {
  for (const trust of ['localhost', '10.0.0.0/33', '10.0.0.0/', '10.0.0.0/x', '10.0.0.0/-1', '10.0.0.1:80', '[::1]', '::/129', '10.0.0', '', ' , ']) {
    const { code, log } = await (await Gateway.start({ 'metrics-listen': 'off', 'trust-forwarded': trust }, { connected: false })).ended;

    assert.strictEqual(code, 2, trust);
    assert.match(log, /--trust-forwarded takes addresses/, trust);
  }
});

run();
