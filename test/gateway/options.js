/*
 * Options, variables and files that can't be meant, and what is said of them; /metrics.
 */
'use strict';

const fs = require('node:fs');
const https = require('node:https');
const os = require('node:os');
const path = require('node:path');
const { execFileSync } = require('node:child_process');
const { Gateway, assert, run, test, until } = require('./harness');

const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'kz-options-'));
const file = (name) => path.join(dir, name);

process.on('exit', () => fs.rmSync(dir, { recursive: true }));

/* Make a key and a certificate of it. */
function makeCertificate(name) {
  execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '1', '-subj', `/CN=${name}`,
    '-keyout', file(`${name}.key`), '-out', file(`${name}.pem`)], { stdio: 'ignore' });
}

makeCertificate('one');
makeCertificate('two');
fs.writeFileSync(file('empty'), '');
fs.writeFileSync(file('nonsense'), 'nonsense');
fs.writeFileSync(file('broken'), fs.readFileSync(file('one.pem'), 'utf8').replace(/.{10}\n/, 'AAAAAAAAAA\n'));
fs.writeFileSync(file('open.key'), fs.readFileSync(file('one.key')));
fs.chmodSync(file('open.key'), 0o644);
execFileSync('openssl', ['ec', '-aes128', '-passout', 'pass:secret', '-in', file('one.key'), '-out', file('locked.key')], { stdio: 'ignore' });

const start = (options, env) => Gateway.start({ 'metrics-listen': 'off', ...options }, { connected: false, env });

/** Wait for the end of a gateway that can't start with these options; what it says. */
async function refusal(options) {
  const gateway = await start(options);

  if (gateway.process.exitCode === null && / listens at /.test(gateway.log)) {
    await gateway.stop('SIGKILL');
    return 'it has started';
  }
  return (await gateway.ended).log;
}

test('options: a port is one', async () => {
  const bad = ['99999', '65536', '4294967376', '-1', '+80', ' 80', '80 ', '0x50', '', '7512x', '000080'].map((port) => ['listen', port]);

  await Promise.all([...bad, ['metrics-listen', '99999']].map(async ([option, port]) => {
    assert.match(await refusal({ [option]: `127.0.0.1:${port}` }), /can't listen at 127\.0\.0\.1:.*: behind the last colon there is no port/, port);
  }));
  assert.match(await refusal({ listen: '127.0.0.1' }), /there is no port/);
  assert.match(await refusal({ listen: '127.0.0.1:no-such-service' }), /can't listen/);
  assert.strictEqual((await (await start({ listen: '127.0.0.1:00000' })).stop()).code, 0);
});

test('options: numbers', async () => {
  const names = ['connections', 'queue', 'timeout', 'max-clients', 'max-requests', 'idle-timeout', 'read-timeout', 'send-timeout', 'drain-timeout',
    'logins', 'token-lifetime'].map((option) => [option, '2147484']);
  const values = ['-1', '', '1x', '99999999999999999999', 'nan', '1e3', '0x10'].map((value) => ['queue', value]);

  await Promise.all([...names, ...values].map(async ([option, value]) => {
    assert.match(await refusal({ [option]: value }), /not a fitting number for --/, `${option}=${value}`);
  }));
});

test('options: what can\'t be a database', async () => {
  assert.match(await refusal({ database: 'dbname=a nonsense' }), /--database can't be understood: missing "="/);
  assert.match(await refusal({ database: 'colour=red' }), /--database can't be understood: invalid connection option/);
  assert.match(await refusal({ database: 'postgresql://[::1/x' }), /--database can't be understood/);
});

test('options: variables that are none are told of, but not those of Kubernetes', async () => {
  const gateway = await start({}, {
    KZ_GATEWAY_MAXBODY: '5', KZ_GATEWAY_LOGFORMAT: 'json', KZ_GATEWAY_QUEU: '9', KZ_GATEWAY_: 'x', KZ_GATEWAY_SOMETHING_ELSE: 'a secret',
    KZ_GATEWAY_max_body: '7', KZ_GATEWAYS: 'x', KZ_GATEWAY_IDLE_TIMEOUT: '50',
    KZ_GATEWAY_SERVICE_HOST: '10.0.0.1', KZ_GATEWAY_SERVICE_PORT: '7512', KZ_GATEWAY_SERVICE_PORT_HTTP: '7512', KZ_GATEWAY_PORT: 'tcp://10.0.0.1:7512',
    KZ_GATEWAY_PORT_7512_TCP: 'tcp://10.0.0.1:7512', KZ_GATEWAY_PORT_7512_TCP_PROTO: 'tcp', KZ_GATEWAY_PORT_7512_TCP_PORT: '7512',
    KZ_GATEWAY_PORT_7512_TCP_ADDR: '10.0.0.1', KZ_GATEWAY_METRICS_SERVICE_HOST: '10.0.0.2', KZ_GATEWAY_METRICS_PORT: 'tcp://10.0.0.2:7513',
  });
  const { code, log } = await gateway.stop();
  const told = log.match(/the variable [^"]*/g).map((line) => line.replace(/^the variable (\S*) of the environment is none of the gateway's, and has no effect/, '$1'));

  assert.strictEqual(code, 0);
  assert.deepStrictEqual(told.sort(), ['KZ_GATEWAY_', 'KZ_GATEWAY_LOGFORMAT; there is an option --log-format', 'KZ_GATEWAY_MAXBODY; there is an option --max-body',
    'KZ_GATEWAY_QUEU; there is an option --queue', 'KZ_GATEWAY_SOMETHING_ELSE', 'KZ_GATEWAY_max_body; there is an option --max-body']);
  assert.doesNotMatch(log, /a secret/);
  // They are told of also if the gateway can't start then.
  const { log: early } = await (await start({ 'jwt-algorithm': 'RS256', 'log-format': 'json' }, { KZ_GATEWAY_JWTKEY: 'x' })).ended;
  assert.match(early, /^\{.*KZ_GATEWAY_JWTKEY.*--jwt-key"\}\n.*without --jwt-key/);
});

test('options: no name is one that Kubernetes makes', async () => {
  const help = execFileSync(process.env.KZ_GATEWAY_PROGRAM ?? path.join(__dirname, '..', '..', 'gateway', 'kz-gateway'), ['--help'], { encoding: 'utf8' });
  const names = [...help.matchAll(/^ {2}--(\S+)/gm)].map(([, name]) => name);

  assert.ok(names.length > 20);
  assert.deepStrictEqual(names.filter((name) => /(^|-)port(-|$)|(^|-)service-/.test(name)), []);
});

test('options: a misspelt one', async () => {
  assert.match(await refusal({ 'max-bdy': '5' }), /there is no option --max-bdy=5, but --max-body/);
  assert.match(await refusal({ nonsense: '5' }), /there is no option --nonsense=5\n/);
});

test('options: files of TLS, each with its name and what is wrong with it', async () => {
  const one = file('one.pem');
  const key = file('one.key');

  for (const [cert, its, problem] of [
    [file('missing'), key, /the certificate \S*missing can't be used: it can't be read: No such file or directory/],
    [one, file('missing'), /the key \S*missing of the certificate \S*one.pem can't be used: it can't be read: No such file or directory/],
    [dir, key, /can't be used: it can't be read: Is a directory/],
    [file('empty'), key, /empty can't be used: it is empty/],
    [file('nonsense'), key, /nonsense can't be used: there is no certificate in it, as PEM/],
    [key, key, /one.key can't be used: /],
    [file('broken'), key, /broken can't be used: (?!\(null\))\w+/],
    [one, file('nonsense'), /nonsense of the certificate \S* can't be used: there is no private key in it, as PEM/],
    [one, one, /one.pem of the certificate \S* can't be used: there is no private key in it/],
    [one, file('two.key'), /two.key of the certificate \S*one.pem can't be used: it belongs to another certificate/],
    [one, file('locked.key'), /locked.key of .* it needs a passphrase/],
    [one, file('open.key'), /open.key of .* everybody may read it/],
  ]) {
    const log = await refusal({ 'tls-cert': cert, 'tls-key': its });

    assert.match(log, problem);
    assert.doesNotMatch(log, /PEM lib|system lib|\(null\)/);
  }
  assert.match(await refusal({ 'metrics-tls': 'on' }), /--metrics-tls needs --tls-cert/);
  assert.match(await refusal({ 'metrics-tls': 'yes' }), /must be on or off, not yes/);
});

/** The status of /metrics by TLS. */
function getSecurely(port) {
  return new Promise((resolve, reject) => {
    https.get({ host: '127.0.0.1', port, path: '/metrics', rejectUnauthorized: false, agent: false }, (response) => {
      response.resume().on('end', () => resolve(response.statusCode));
    }).on('error', reject);
  });
}

test('options: /metrics is read as Prometheus does, with TLS too', async () => {
  const files = { 'tls-cert': file('one.pem'), 'tls-key': file('one.key') };
  const usual = await Gateway.start(files, { connected: false });

  assert.strictEqual(await usual.metric('clients_total'), 1);
  // All else speaks TLS, and who does not know is told of.
  const raw = (await usual.raw()).send('GET /_now HTTP/1.1\r\nHost: x\r\n\r\n');
  await raw.end();
  raw.destroy();
  await until(() => /"127\.0\.0\.1:\d+ speaks HTTP where TLS is spoken"/.test(usual.log));
  assert.strictEqual((await usual.stop()).code, 0);

  const secure = await Gateway.start({ ...files, 'metrics-tls': 'on' }, { connected: false });
  assert.strictEqual(await getSecurely(secure.metricsPort), 200);
  await assert.rejects(secure.metric('clients_total'));
  assert.strictEqual((await secure.stop()).code, 0);
});

test('options: what metrics off the loopback would tell', async () => {
  assert.match(await refusal({ 'metrics-listen': '0.0.0.0:0' }), /\/metrics lets nobody do anything, but tells whoever reaches 0\.0\.0\.0:0 how much is done here; .*--jwt-key/);
  assert.match(await refusal({ listen: '0.0.0.0:0' }), /everybody who reaches 0\.0\.0\.0:0 could do all/);
});

run();
