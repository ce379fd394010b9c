/*
 * Keys that must fit what they are for, and tokens: what is in them, and how it is
 * written. No database is asked about either.
 */
'use strict';

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { Gateway, assert, crypto, run, sign, sleep, test } = require('./harness');

const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'kz-token-'));
const SECRET = crypto.randomBytes(48).toString('base64');

process.on('exit', () => fs.rmSync(dir, { recursive: true }));

let nfiles = 0;

/** Write a file that nobody else may read, unless its mode says so; its path. */
function file(name, content, mode = 0o600) {
  const at = path.join(dir, `${nfiles += 1}-${name}`);

  fs.writeFileSync(at, content, { mode });
  fs.chmodSync(at, mode);
  return at;
}

function makePair(type, options) {
  return crypto.generateKeyPairSync(type, {
    ...options, publicKeyEncoding: { type: 'spki', format: 'pem' }, privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
}

/* The base64 between the first and the last line. */
const inside = (pem) => pem.split('\n').slice(1, -2).join('\n');

const rsa = makePair('rsa', { modulusLength: 2048 });
const other = makePair('rsa', { modulusLength: 2048 });
const small = makePair('rsa', { modulusLength: 1024 });
const curve = makePair('ec', { namedCurve: 'P-256' });
const jwk = crypto.createPublicKey(rsa.publicKey).export({ format: 'jwk' });

/** What a gateway says that does not start with these options. */
async function refusal(options) {
  const gateway = await Gateway.start({ 'metrics-listen': 'off', ...options }, { connected: false });

  if (gateway.process.exitCode === null && !gateway.log.includes('can\'t be used')) {
    await gateway.stop('SIGKILL');
    return 'it has started';
  }
  const { code, log } = await gateway.ended;

  assert.strictEqual(code, 2, log);
  return log;
}

test('token: no key of another kind is taken for a secret', async () => {
  const certificate = 'MIIBijCCAS+gAwIBAgIUF5g0'.padEnd(400, 'A');
  const secrets = {
    'a public key': rsa.publicKey,
    'a public key behind a mark of UTF-8 and white space': `\ufeff \n\t${rsa.publicKey}`,
    'a public key behind what openssl prints': `RSA Public-Key: (2048 bit)\nExponent: 65537 (0x10001)\n${rsa.publicKey}`,
    'a public key with other ends of lines': rsa.publicKey.replaceAll('\n', '\r\n'),
    'a private key': rsa.privateKey,
    'a public key of another algorithm': curve.publicKey,
    'a public key of PKCS 1': crypto.createPublicKey(rsa.publicKey).export({ type: 'pkcs1', format: 'pem' }),
    'a certificate': `-----BEGIN CERTIFICATE-----\n${certificate}\n-----END CERTIFICATE-----`,
    'the inside of a public key': inside(rsa.publicKey),
    'the inside of a public key in a line': inside(rsa.publicKey).replaceAll('\n', ''),
    'the inside of a private key': inside(rsa.privateKey),
    'a public key of SSH': `ssh-rsa ${inside(rsa.publicKey).replaceAll('\n', '')} somebody`,
    'another of SSH': '---- BEGIN SSH2 PUBLIC KEY ----\nAAAAB3NzaC1yc2EAAAABIwAAAQEA\n---- END SSH2 PUBLIC KEY ----',
    'a JWK': JSON.stringify(jwk),
    'a set of JWK': JSON.stringify({ keys: [{ ...jwk, kid: '1' }] }, null, 2),
    'a key of XML': `<RSAKeyValue><Modulus>${jwk.n}</Modulus><Exponent>AQAB</Exponent></RSAKeyValue>`,
  };

  for (const [name, content] of Object.entries(secrets)) {
    assert.match(await refusal({ 'jwt-key': file('key', content) }), /no secret; a public key needs --jwt-algorithm RS256/, name);
  }
});

test('token: what a secret may be', async () => {
  for (const secret of [SECRET, ' leading and trailing spaces do count here ', '{"just": "some text with braces in it"}', 'x'.repeat(32),
    crypto.randomBytes(64).toString('hex')]) {
    const gateway = await Gateway.start({ 'jwt-key': file('key', `${secret}\n`), 'metrics-listen': 'off' }, { connected: false });
    const token = sign({ sub: 'a', role: 'b', exp: 4e9 }, secret);

    assert.strictEqual((await gateway.post('/_checkToken', { token })).json.result.valid, true, secret);
    assert.strictEqual((await gateway.stop()).code, 0);
  }
});

test('token: keys that do not fit their option', async () => {
  const rs256 = { 'jwt-algorithm': 'RS256', 'jwt-key': file('public', rsa.publicKey, 0o644) };

  for (const [options, problem] of [
    [{ ...rs256, 'jwt-key': file('key', SECRET) }, /no public key of RSA/],
    [{ ...rs256, 'jwt-key': file('key', rsa.privateKey) }, /no public key of RSA/],
    [{ ...rs256, 'jwt-key': file('key', curve.publicKey) }, /no public key of RSA/],
    [{ ...rs256, 'jwt-key': file('key', small.publicKey) }, /at least 2048 bits/],
    [{ ...rs256, 'jwt-signing-key': file('signing', rsa.publicKey) }, /no private key of RSA/],
    [{ ...rs256, 'jwt-signing-key': file('signing', curve.privateKey) }, /no private key of RSA/],
    [{ ...rs256, 'jwt-signing-key': file('signing', small.privateKey) }, /at least 2048 bits/],
    [{ ...rs256, 'jwt-signing-key': file('signing', other.privateKey) }, /does not belong to the public key/],
    [{ ...rs256, 'jwt-signing-key': file('signing', rsa.privateKey, 0o604) }, /everybody may read it/],
    [{ 'jwt-key': file('open', SECRET, 0o644) }, /open can't be used.*everybody may read it/],
    [{ 'jwt-key': path.join(dir, 'missing') }, /missing can't be used: it can't be read: No such file or directory/],
    [{ 'jwt-key': dir }, /can't be read: Is a directory/],
    [{ 'jwt-key': file('empty', '') }, /it is empty/],
    [{ 'jwt-key': file('zero', `${SECRET}\0`) }, /there is a zero in it/],
    [{ 'jwt-algorithm': 'RS256' }, /no authentication, so no option about it: --jwt-algorithm/],
    [{ 'token-lifetime': '5' }, /no authentication, so no option about it: --token-lifetime/],
    [{ 'jwt-key': file('key', SECRET), 'jwt-audience': '' }, /--jwt-audience must be a name/],
    [{ 'jwt-key': file('key', SECRET), 'jwt-algorithm': 'hs256' }, /must be HS256 or RS256/],
    [{ 'jwt-key': file('key', SECRET), 'jwt-signing-key': file('signing', rsa.privateKey) }, /is for RS256/],
  ]) {
    assert.match(await refusal(options), problem, JSON.stringify(options));
  }
  // Who shares a group with the gateway may have been meant to.
  const shared = await Gateway.start({ 'jwt-key': file('key', SECRET, 0o640), 'metrics-listen': 'off' }, { connected: false });
  assert.strictEqual((await shared.stop()).code, 0);
});

const now = () => Date.now() / 1000;
const claims = (more = {}) => ({ sub: 'x', role: 'alice', exp: Math.floor(now()) + 600, ...more });
const header = (more) => ({ alg: 'HS256', typ: 'JWT', ...more });
const big = (number) => JSON.stringify(claims({ exp: 'BIG' })).replace('"BIG"', number);

/* A token whose claims are written like this. */
function signText(text, first = JSON.stringify(header())) {
  const signed = [first, text].map((part) => Buffer.from(part).toString('base64url')).join('.');

  return `${signed}.${crypto.createHmac('sha256', SECRET).update(signed).digest('base64url')}`;
}

const GOOD = {
  'whose end has a fraction': sign(claims({ exp: 4e9 + 0.25 }), SECRET),
  'whose end has an exponent': signText(big('4.1e9')),
  'that was issued and began at a fraction': sign(claims({ iat: now() - 3.5, nbf: now() - 2.25 }), SECRET),
  'that began before time was counted': sign(claims({ nbf: -1.5 }), SECRET),
  'that was issued later, by another clock': sign(claims({ iat: now() + 100 }), SECRET),
  'whose type is written otherwise': sign(claims(), SECRET, header({ typ: 'jwt' })),
  'whose key has a name': sign(claims(), SECRET, header({ kid: 'one' })),
};

const BAD = {
  'that has something critical': sign(claims(), SECRET, header({ crit: ['b64'], b64: false })),
  'that has something critical and unknown': sign(claims(), SECRET, header({ crit: ['x'], x: 1 })),
  'whose list of what is critical is empty': sign(claims(), SECRET, header({ crit: [] })),
  'whose list of what is critical is null': sign(claims(), SECRET, header({ crit: null })),
  'whose algorithm is in lower case': sign(claims(), SECRET, header({ alg: 'hs256' })),
  'whose algorithm is in both cases': sign(claims(), SECRET, header({ alg: 'Hs256' })),
  'whose end is text': sign(claims({ exp: '4000000000' }), SECRET),
  'whose end is a list': sign(claims({ exp: [4e9] }), SECRET),
  'whose end is true': sign(claims({ exp: true }), SECRET),
  'whose end is null': sign(claims({ exp: null }), SECRET),
  'whose end is beyond all time': signText(big('9e15000')),
  'whose end is beyond all whole numbers': signText(big('99999999999999999999')),
  'whose end is beyond all milliseconds': signText(big('9223372036854775807')),
  'whose end is before all time': signText(big('-1e300')),
  'whose end is a fraction below zero': signText(big('-0.5')),
  'whose begin is a list': sign(claims({ nbf: [1] }), SECRET),
  'whose begin is null': sign(claims({ nbf: null }), SECRET),
  'that begins in half a minute and a fraction': sign(claims({ nbf: now() + 30.5 }), SECRET),
  'that was issued at a text': sign(claims({ iat: 'yesterday' }), SECRET),
  'whose user is a number': sign(claims({ sub: 5 }), SECRET),
  'whose end is there twice': signText(big('4000000000,"exp":"x"')),
};

test('token: what is good and bad about one', async () => {
  const gateway = await Gateway.start({ 'jwt-key': file('key', SECRET), 'metrics-listen': 'off' }, { connected: false });
  const check = async (token) => (await gateway.post('/_checkToken', { token })).json.result;

  for (const [name, token] of Object.entries(GOOD)) {
    assert.strictEqual((await check(token)).valid, true, name);
  }
  assert.strictEqual((await check(GOOD['whose end has a fraction'])).expiresAt, 4000000000250);
  for (const [name, token] of Object.entries(BAD)) {
    assert.deepStrictEqual(await check(token), { state: 'Invalid token.', valid: false }, name);
  }
  for (const exp of [now() - 0.5, 0.001, 1]) {
    assert.deepStrictEqual(await check(sign(claims({ exp }), SECRET)), { state: 'Token expired', valid: false }, `${exp}`);
  }
  assert.strictEqual((await gateway.stop()).code, 0);
});

test('token: an end within a second counts to the millisecond', async () => {
  const gateway = await Gateway.start({ 'jwt-key': file('key', SECRET), 'metrics-listen': 'off' }, { connected: false });
  const end = Date.now() + 400;
  const token = sign(claims({ exp: end / 1000 }), SECRET);
  let state;

  do {
    ({ state } = (await gateway.post('/_checkToken', { token })).json.result);
    // What is asked for before the end may be answered behind it, but not the other way.
    assert.ok(state || Date.now() < end + 1000);
    await sleep(20);
  } while (!state);
  assert.ok(Date.now() >= end);
  assert.strictEqual(state, 'Token expired');
  assert.strictEqual((await gateway.stop()).code, 0);
});

run();
