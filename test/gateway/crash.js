/*
 * A database that goes away, and comes back. The directory of the server is in KZ_CLUSTER.
 */
'use strict';

const fs = require('node:fs');
const net = require('node:net');
const path = require('node:path');
const tls = require('node:tls');
const { execFile, execFileSync } = require('node:child_process');
const { promisify } = require('node:util');
const { Gateway, assert, cluster, run, sleep, startCluster, test, until, withClient } = require('./harness');

const INDEX = 'gateway-crash';

let gateway;

/*
 * Clients that create documents, one after the other and each with a number of its own,
 * until they are told to stop. Numbers whose creation was acknowledged are in done, those
 * that were refused in failed.
 */
class Load {
  constructor() {
    this.done = [];
    this.failed = [];
    this.statuses = new Set();
    this.next = 0;
    this.going = true;
    this.clients = Promise.all([...Array.from({ length: 12 }, () => this.bySocket()), ...Array.from({ length: 4 }, () => this.byHttp())]);
  }

  async bySocket() {
    const socket = await gateway.socket();

    while (this.going) {
      const n = this.next++;

      this.note(n, (await socket.ask({
        controller: 'document', action: 'create', index: INDEX, collection: 'c', body: { n }, requestId: `${n}`,
      })).status);
      await sleep(this.statuses.has(503) ? 2 : 0);
    }
    socket.raw.destroy();
  }

  async byHttp() {
    while (this.going) {
      const n = this.next++;
      const { status, json } = await gateway.post(`/${INDEX}/c/_create`, { n });

      assert.strictEqual(json.status, status);
      this.note(n, status);
      await sleep(this.statuses.has(503) ? 2 : 0);
    }
  }

  note(n, status) {
    this.statuses.add(status);
    (status === 200 ? this.done : this.failed).push(n);
  }

  /* Until so many more have been done. */
  async more(n) {
    const target = this.done.length + n;

    await until(() => this.done.length >= target, 30000);
  }

  async stop() {
    this.going = false;
    await this.clients;
  }

  /* Each that was acknowledged is there, none is there twice. */
  async check() {
    const { rows } = await withClient((client) => client.query(
      `SELECT (_source->>'n')::int AS n, count(*)::int AS times FROM "${INDEX}".c GROUP BY 1`));
    const stored = new Map(rows.map(({ n, times }) => [n, times]));

    assert.deepStrictEqual(this.done.filter((n) => stored.get(n) !== 1), []);
    assert.deepStrictEqual(this.failed.filter((n) => (stored.get(n) ?? 0) > 1), []);
    assert.deepStrictEqual([...stored.keys()].filter((n) => n >= this.next), []);
    await withClient((client) => client.query(`TRUNCATE "${INDEX}".c`));
  }
}

test('crash: a server and a gateway', async () => {
  await startCluster();
  await withClient((client) => client.query('CREATE DATABASE crash'));
  process.env.PGDATABASE = 'crash';
  gateway = await Gateway.start({ connections: 6 }, { connected: false });
  const early = await gateway.request('GET', '/_healthCheck');
  assert.deepStrictEqual([early.status, early.json.error.id], [503, 'services.storage.not_connected']);
  await until(() => gateway.log.includes('the database has no extension kz'));
  await withClient((client) => client.query(`CREATE EXTENSION kz; SELECT kz_create_collection('${INDEX}', 'c')`));
  await until(async () => (await gateway.request('GET', '/_healthCheck')).status === 200);
});

test('crash: the server is killed while clients write', async () => {
  const load = new Load();

  for (let i = 0; i < 2; i++) {
    await load.more(300);
    cluster('kill');
    const health = await gateway.request('GET', '/_healthCheck');
    assert.deepStrictEqual([health.status, health.json.status], [503, 503]);
    assert.strictEqual((await gateway.post('/v2/vectordb/collections/list', {})).status, 503);
    await sleep(300);
    cluster('start');
    await until(async () => (await gateway.request('GET', '/_healthCheck')).status === 200);
  }
  await load.more(300);
  await load.stop();
  assert.deepStrictEqual([...load.statuses].sort(), [200, 503]);
  await load.check();
});

test('crash: what is done but not answered is not done again', async () => {
  let cut = false;
  const proxy = net.createServer((front) => {
    const back = net.connect(`${process.env.PGHOST}/.s.PGSQL.${process.env.PGPORT}`);

    front.pipe(back);
    front.on('error', () => {}).on('close', () => back.destroy());
    back.on('error', () => {}).on('close', () => front.destroy()).on('data', (data) => (cut ? front.destroy() : front.write(data)));
  }).listen(0, '127.0.0.1');

  await new Promise((resolve) => { proxy.on('listening', resolve); });
  const { port } = proxy.address();
  const behind = await Gateway.start({ connections: 2, database: `host=127.0.0.1 port=${port} sslmode=disable gssencmode=disable` });
  for (let n = 0; n < 10; n++) {
    await until(async () => (await behind.request('GET', '/_healthCheck')).status === 200);
    cut = true;
    const { status, json } = await behind.post(`/${INDEX}/c/_create`, { n });
    assert.strictEqual(status, 503);
    assert.match(json.error.message, /not known whether/);
    cut = false;
  }
  const count = () => withClient(async (client) => (await client.query(`SELECT count(*)::int AS n FROM "${INDEX}".c`)).rows[0].n);
  await until(async () => await count() >= 10);
  assert.strictEqual((await behind.stop()).code, 0);
  assert.strictEqual(await count(), 10);
  proxy.close();
  await withClient((client) => client.query(`TRUNCATE "${INDEX}".c`));
});

test('crash: connections are ended while clients write', async () => {
  const load = new Load();

  await withClient(async (client) => {
    for (let i = 0; i < 20; i++) {
      await load.more(20);
      await client.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'kz-gateway' ORDER BY random() LIMIT 3");
    }
    await load.more(100);
  });
  await load.stop();
  await load.check();
});

test('crash: the server is stopped and started while clients write', async () => {
  const load = new Load();

  await load.more(200);
  cluster('stop');
  assert.strictEqual((await gateway.request('GET', '/_healthCheck')).status, 503);
  cluster('start');
  await load.more(200);
  await load.stop();
  await load.check();
});

test('crash: a server that hangs', async () => {
  const impatient = await Gateway.start({ connections: 1, timeout: 1, database: 'application_name=hangs' });
  const pid = await withClient(async (client) => (await client.query(
    "SELECT pid FROM pg_stat_activity WHERE application_name = 'hangs'")).rows[0].pid);

  process.kill(pid, 'SIGSTOP');
  try {
    const { status, json } = await impatient.request('GET', '/_now');

    assert.deepStrictEqual([status, json.error.id], [503, 'services.storage.not_connected']);
  } finally {
    process.kill(pid, 'SIGCONT');
  }
  await until(async () => (await impatient.request('GET', '/_now')).status === 200);
  assert.strictEqual((await impatient.stop()).code, 0);
});

test('crash: no more connections than there are', async () => {
  const greedy = await Gateway.start({ connections: 80 });

  await until(() => greedy.log.includes('no connection to the database'));
  assert.strictEqual((await greedy.request('GET', '/_now')).status, 200);
  assert.strictEqual((await greedy.stop()).code, 0);
  // The server takes a moment to have room again.
  await until(() => withClient(() => true).catch(() => false));
});

test('crash: kz is made anew', async () => {
  await withClient((client) => client.query('DROP EXTENSION kz'));
  const { status } = await gateway.request('GET', '/_now');
  assert.strictEqual(status, 500);
  await withClient((client) => client.query('CREATE EXTENSION kz'));
  await until(async () => (await gateway.request('GET', '/_now')).status === 200);
});

const file = (name) => path.join(process.env.KZ_CLUSTER, name);

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

test('crash: what TLS has taken in is read', async () => {
  makeCertificate('one');
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

/* A server that passes on what clients send as pass(bytes, to) does it, and what comes back as it is. */
async function startProxy(port, pass) {
  const proxy = net.createServer({ allowHalfOpen: true }, (client) => {
    const to = net.connect({ host: '127.0.0.1', port, allowHalfOpen: true });

    client.on('data', (bytes) => pass(bytes, to)).on('error', () => to.destroy()).on('close', () => to.destroy());
    to.on('error', () => client.destroy()).pipe(client);
  });

  return listening(proxy);
}

function listening(server) {
  return new Promise((resolve) => { server.listen(0, '127.0.0.1', () => resolve(server)); });
}

test('crash: who has said all is answered, if TLS has not been ended', async () => {
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

test('crash: TLS with the database that fails is no matter of clients', async () => {
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

test('crash: who takes no answers is not read, with TLS either', async () => {
  const secure = await startSecure();
  const { stdout } = await promisify(execFile)('python3', [path.join(__dirname, 'slow.py'), secure.port, '6']);
  const [sent, received] = stdout.split(' ').map(Number);

  // What lies between is in the buffers of the kernel, and 256 kB in that of the gateway.
  assert.ok(received > 1e6 && sent - received < 14e6, stdout);
  assert.strictEqual((await secure.stop()).code, 0);
});

test('crash: the certificate is read again', async () => {
  makeCertificate('one');
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

test('crash: the end', async () => {
  assert.strictEqual((await gateway.stop()).code, 0);
});

run();
