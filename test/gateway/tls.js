/*
 * TLS as clients may end it, and as they should not use it; and certificates.
 */
'use strict';

const fs = require('node:fs');
const net = require('node:net');
const os = require('node:os');
const path = require('node:path');
const tls = require('node:tls');
const { execFile, execFileSync } = require('node:child_process');
const { promisify } = require('node:util');
const { Gateway, assert, listening, run, sleep, test, until } = require('./harness');

const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'kz-tls-'));
const file = (name) => path.join(dir, name);

process.on('exit', () => fs.rmSync(dir, { recursive: true }));

/* Make a key, and a certificate for this name. */
function makeCertificate(name) {
  execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '1', '-subj', `/CN=${name}`,
    '-keyout', file('key.pem'), '-out', file('cert.pem')], { stdio: 'ignore' });
}

function startSecure(options) {
  return Gateway.start({ 'tls-cert': file('cert.pem'), 'tls-key': file('key.pem'), ...options });
}

/* A connection with TLS; its handshake is over. */
function connectSecurely(port) {
  return new Promise((resolve, reject) => {
    const socket = tls.connect({ host: '127.0.0.1', port, rejectUnauthorized: false }, () => resolve(socket)).on('error', reject);
  });
}

async function subject(port) {
  const socket = await connectSecurely(port);

  socket.end();
  return socket.getPeerCertificate().subject.CN;
}

/* A server that passes on what clients send as pass(bytes, to) does it, and what comes back as it is. */
async function startProxy(port, pass) {
  const proxy = net.createServer({ allowHalfOpen: true }, (client) => {
    const to = net.connect({ host: '127.0.0.1', port, allowHalfOpen: true });

    client.on('data', (bytes) => pass(bytes, to)).on('error', () => to.destroy()).on('close', () => to.destroy());
    to.on('error', () => client.destroy()).pipe(client);
  });

  return listening(proxy);
}

makeCertificate('one');

test('tls: what TLS has taken in is read', async () => {
  const secure = await startSecure({ 'read-timeout': 5 });

  // Bodies whose last record is partly behind the 64 kB that are read at a time.
  for (const size of [65300, 65400, 65536, 65600, 81920, 200000]) {
    const socket = await connectSecurely(secure.port);
    const answer = new Promise((resolve) => {
      let text = '';

      socket.on('data', (data) => { text += data; }).on('close', () => resolve(text));
    });

    // All of it is there before the gateway reads any.
    secure.process.kill('SIGSTOP');
    socket.write(`POST /_query HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: ${size}\r\n\r\n`);
    await new Promise((resolve) => { socket.write('x'.repeat(size), resolve); });
    secure.process.kill('SIGCONT');
    assert.match(await answer, /^HTTP\/1\.1 400 .*body_parse_failed/s, `${size}`);
  }
  assert.strictEqual((await secure.stop()).code, 0);
});

test('tls: who has said all is answered, if TLS has not been ended', async () => {
  const secure = await startSecure();
  let last = false;
  const proxy = await startProxy(secure.port, (bytes, to) => (last ? to.end(bytes) : to.write(bytes)));
  const socket = await connectSecurely(proxy.address().port);
  let text = '';

  socket.on('data', (data) => { text += data; });
  // The request is there together with the end.
  secure.process.kill('SIGSTOP');
  last = true;
  socket.write('GET /_now HTTP/1.1\r\nHost: x\r\n\r\n');
  await sleep(100);
  secure.process.kill('SIGCONT');
  await until(() => text || socket.destroyed);
  assert.match(text, /^HTTP\/1\.1 200 .*"now"/s);
  socket.destroy();
  proxy.close();
  assert.strictEqual((await secure.stop()).code, 0);
});

test('tls: TLS with the database that fails is no matter of clients', async () => {
  const bad = await listening(net.createServer((client) => client.once('data', () => {
    client.write('S');
    client.once('data', () => client.end('this is not TLS'));
  }).on('error', () => {})));
  const secure = await Gateway.start({ 'tls-cert': file('cert.pem'), 'tls-key': file('key.pem'), connections: 64,
    database: `host=127.0.0.1 port=${bad.address().port} sslmode=require` }, { connected: false });
  // Records come in halves, so that each makes TLS wait for the rest of it.
  const proxy = await startProxy(secure.port, (bytes, to) => {
    to.write(bytes.subarray(0, bytes.length / 2));
    setTimeout(() => to.write(bytes.subarray(bytes.length / 2)), 10);
  });
  const answers = await Promise.all(Array.from({ length: 20 }, async () => {
    const socket = await connectSecurely(proxy.address().port);
    let received = '';
    let n = 0;

    socket.on('data', (data) => { received += data; }).on('error', () => {});
    while (n < 100 && !socket.destroyed) {
      received = '';
      socket.write('GET /_now HTTP/1.1\r\nHost: x\r\n\r\n');
      await until(() => received.endsWith('}') || socket.destroyed);
      n += received.startsWith('HTTP/1.1 503 ');
    }
    socket.destroy();
    return n;
  }));

  assert.deepStrictEqual([...new Set(answers)], [100]);
  [bad, proxy].forEach((server) => server.close());
  assert.strictEqual((await secure.stop()).code, 0);
});

test('tls: who takes no answers is not read, with TLS either', async () => {
  const secure = await startSecure();
  const { stdout } = await promisify(execFile)('python3', [path.join(__dirname, 'slow.py'), secure.port, '6']);
  const [sent, received] = stdout.split(' ').map(Number);

  // What lies between is in the buffers of the kernel, and 256 kB in that of the gateway.
  assert.ok(received > 1e6 && sent - received < 14e6, stdout);
  assert.strictEqual((await secure.stop()).code, 0);
});

test('tls: the certificate is read again', async () => {
  const secure = await startSecure({ 'read-timeout': 5 });
  process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0';
  assert.strictEqual(await subject(secure.port), 'one');
  const answer = await fetch(`https://127.0.0.1:${secure.port}/_now`);
  assert.strictEqual((await answer.json()).status, 200);
  const large = await fetch(`https://127.0.0.1:${secure.port}/_query`, { method: 'POST', body: 'x'.repeat(1000000), headers: { 'Content-Type': 'application/json' } });
  assert.strictEqual(large.status, 400);

  makeCertificate('two');
  secure.process.kill('SIGHUP');
  await until(async () => await subject(secure.port) === 'two');
  fs.writeFileSync(file('cert.pem'), 'nonsense');
  secure.process.kill('SIGHUP');
  await until(() => secure.log.includes("can't be used"));
  assert.strictEqual(await subject(secure.port), 'two');

  // Who speaks no TLS, or none to the end, is not listened to for long.
  const plain = (await secure.raw()).send('GET /_now HTTP/1.1\r\nHost: x\r\n\r\n');
  assert.doesNotMatch(await plain.end(), /HTTP/);
  const half = (await secure.raw()).send(Buffer.from([22, 3, 1, 2, 0]));
  assert.strictEqual(await half.end(), '');
  assert.strictEqual((await secure.stop()).code, 0);
});

run();
