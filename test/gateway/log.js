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

run();
