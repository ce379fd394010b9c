/*
 * Logins, while others log in with wrong passwords; large bodies of who logs in with each
 * request; and sockets of one address. The directory of a server that asks for passwords
 * is in KZ_CLUSTER.
 */
'use strict';

const fs = require('node:fs');
const net = require('node:net');
const path = require('node:path');
const { Gateway, Raw, assert, crypto, frame, http, listening, run, sleep, startCluster, test, until, withClient } = require('./harness');

const SECRET = crypto.randomBytes(48).toString('base64');
const file = path.join(process.env.KZ_CLUSTER, 'secret of logins');
const config = { 'jwt-key': file, database: 'user=gateway', connections: 2 };
const attempt = (username, password) => frame('text', JSON.stringify(
  { controller: 'auth', action: 'login', strategy: 'local', body: { username, password } }));
const bearer = (user, password) => ({ Authorization: `Bearer ${user}:${password}` });

let gateway;

/* The status of a login, and how many milliseconds it took, on a connection of its own from this address. */
function login(username, password, localAddress = '127.0.0.1', headers = {}) {
  const began = Date.now();
  const body = JSON.stringify({ username, password });

  return new Promise((resolve, reject) => {
    const request = http.request({
      host: '127.0.0.1', port: gateway.port, localAddress, method: 'POST', path: '/_login/local', agent: false,
      headers: { 'Content-Type': 'application/json', 'Content-Length': body.length, ...headers },
    }, (response) => response.resume().on('end', () => resolve({ status: response.statusCode, ms: Date.now() - began })));

    request.on('error', reject).end(body);
  });
}

test('peers: a server, and a gateway', async () => {
  await startCluster();
  fs.writeFileSync(file, SECRET);
  await withClient(async (client) => {
    await client.query(`CREATE EXTENSION IF NOT EXISTS kz;
      DROP ROLE IF EXISTS logger; CREATE ROLE logger LOGIN PASSWORD 'right'; DO $$BEGIN CREATE ROLE gateway LOGIN NOINHERIT;
      EXCEPTION WHEN duplicate_object THEN NULL; END$$; GRANT logger TO gateway`);
  });
  gateway = await Gateway.start(config);
});

test('peers: wrong passwords hold up nobody but whoever sends them', async () => {
  const sockets = await Promise.all(Array.from({ length: 12 }, () => gateway.socket()));
  let n = 0;
  let wrong = 0;
  let refused = 0;
  let going = true;
  const attack = async (socket) => {
    socket.send(...Array.from({ length: 20 }, () => attempt('logger', `wrong ${n++}`)));
    for (let due = 20; due > 0;) {
      const { status } = await socket.json();

      assert.ok(status === 401 || status === 503, `${status}`);
      wrong += status === 401;
      refused += status === 503;
      due--;
      if (going) {
        socket.send(attempt('logger', `wrong ${n++}`));
        due++;
        await sleep(5);
      }
    }
  };
  const attacks = Promise.all(sockets.map(attack));

  await until(() => wrong > 12 && refused > 100);
  for (const address of ['127.0.0.1', '127.0.0.2', '127.0.0.1', '127.0.0.2']) {
    const { status, ms } = await login('logger', 'right', address);

    assert.strictEqual(status, 200, address);
    assert.ok(ms < 5000, `${address}: ${ms} ms`);
  }
  // A wrong one is told so the later the more there were, but only there.
  const [here, there] = [await login('logger', 'wrong too'), await login('logger', 'wrong too', '127.0.0.2')];
  assert.deepStrictEqual([here.status, there.status], [401, 401]);
  assert.ok(here.ms >= 900, `${here.ms} ms`);
  assert.ok(there.ms < here.ms, `${there.ms} ms`);
  going = false;
  await attacks;
  sockets.forEach(({ raw }) => raw.destroy());
});

test('peers: addresses take turns', async () => {
  // What a login says comes when the test lets it: PostgreSQL's place is taken by a server that waits.
  const silent = [];
  const server = net.createServer((socket) => { silent.push(socket); socket.on('error', () => {}); });
  await new Promise((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  const slow = await Gateway.start({ ...config, logins: 2, database: `host=127.0.0.1 port=${server.address().port} user=gateway` }, { connected: false });
  const before = gateway;

  gateway = slow;
  try {
    await until(() => silent.length === 2);
    const many = Array.from({ length: 6 }, (_, i) => login('logger', `wrong ${i}`));
    // One of two may be in use by one address, so another address does not wait.
    await until(async () => await slow.metric('logins_total') === 1);
    const other = login('logger', 'right', '127.0.0.2');
    await until(async () => await slow.metric('logins_total') === 2);
    silent.forEach((socket) => socket.destroy());
    server.on('connection', (socket) => socket.destroy());
    assert.deepStrictEqual([...new Set((await Promise.all([...many, other])).map(({ status }) => status))], [503]);
  } finally {
    gateway = before;
    await slow.stop();
    server.close();
  }
});

test('peers: who waits for a login when the time to end is over is told', async () => {
  const silent = await listening(net.createServer((socket) => socket.on('error', () => {})));
  const before = gateway;

  gateway = await Gateway.start({ ...config, logins: 2, 'drain-timeout': 1, database: `host=127.0.0.1 port=${silent.address().port} user=gateway` }, { connected: false });
  try {
    // One is under way, the other has to wait for its end.
    const waiting = [1, 2].map((i) => login('logger', `wrong ${i}`));

    await until(async () => await gateway.metric('requests_in_progress') === 2);
    const end = gateway.stop();
    assert.deepStrictEqual((await Promise.all(waiting)).map(({ status }) => status), [503, 503]);
    assert.strictEqual((await end).code, 0);
  } finally {
    gateway = before;
    silent.close();
  }
});

test("peers: a large body of Milvus' user and password", async () => {
  const collectionName = 'x'.repeat(3000000);
  const post = (user, password) => gateway.post('/v2/vectordb/collections/describe', { collectionName }, bearer(user, password));

  // Who is not known yet is asked for before the body is read, not after.
  assert.strictEqual((await post('logger', 'wrong')).status, 401);
  assert.strictEqual((await gateway.post('/v2/vectordb/collections/describe', { collectionName })).status, 413);
  const { status, json } = await post('logger', 'right');
  assert.notStrictEqual(json.code, 65535, json.message);
  assert.ok(status === 200 || status === 400, `${status}`);
  assert.strictEqual((await post('logger', 'right')).status, status);
});

test('peers: nobody logs in where /metrics is', async () => {
  const before = await gateway.metric('logins_total');

  for (const password of ['right', 'wrong']) {
    const raw = await Raw.open(gateway.metricsPort);

    raw.send(`POST /v2/vectordb/collections/list HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer logger:${password}\r\nContent-Length: 2000000\r\n\r\n`);
    assert.strictEqual(await raw.status(), 413);
    raw.destroy();
  }
  assert.strictEqual(await gateway.metric('logins_total'), before);
});

test('peers: who comes by a trusted proxy is where the proxy says', async () => {
  const before = gateway;
  const by = (password, addresses) => login('logger', password, '127.0.0.1', { 'X-Forwarded-For': addresses });

  gateway = await Gateway.start({ ...config, 'trust-forwarded': '127.0.0.1' });
  try {
    // Whatever a client sets before it, the proxy names it last.
    await Promise.all(Array.from({ length: 13 }, (_, i) => by(`wrong ${i}`, `10.0.1.${i}, 10.0.0.1:${i + 1}`)));
    const [here, there, none] = [await by('wrong', '10.0.0.1'), await by('wrong', '10.0.0.2'), await by('wrong', 'unknown')];

    assert.deepStrictEqual([here.status, there.status, none.status], [401, 401, 401]);
    assert.ok(here.ms >= 900, `${here.ms} ms`);
    assert.ok(there.ms < here.ms, `${there.ms} ms`);
    assert.ok(none.ms < here.ms, `${none.ms} ms`);
    assert.strictEqual((await by('right', '10.0.0.1')).status, 200);
    assert.strictEqual((await gateway.stop()).code, 0);
  } finally {
    gateway = before;
  }
});

test('peers: one address does not take all sockets', async () => {
  const small = await Gateway.start({ ...config, 'max-clients': 40, 'trust-forwarded': '127.0.0.3' });
  const open = (localAddress) => new Promise((resolve) => {
    const socket = net.connect({ host: '127.0.0.1', port: small.port, localAddress }, () => setTimeout(() => resolve(socket), 100));

    socket.on('error', () => {}).on('end', () => { socket.over = true; }).on('close', () => { socket.over = true; });
  });
  // A proxy has them for others.
  const proxy = await Promise.all(Array.from({ length: 20 }, () => open('127.0.0.3')));
  assert.strictEqual(proxy.filter(({ over }) => over).length, 0);
  proxy.forEach((socket) => socket.destroy());
  await until(async () => await small.metric('clients') <= 1);
  const there = await Promise.all(Array.from({ length: 20 }, () => open('127.0.0.2')));

  await until(() => there.filter(({ over }) => over).length === 9);
  assert.ok(await small.metric('clients_refused_total') === 9);
  // The loopback itself is where proxies are.
  const here = await Promise.all(Array.from({ length: 20 }, () => open('127.0.0.1')));
  assert.strictEqual(here.filter(({ over }) => over).length, 0);
  const [one] = there.filter(({ over }) => !over);
  one.destroy();
  await until(async () => await small.metric('clients') <= 11 + 20);
  const again = await open('127.0.0.2');
  assert.ok(!again.over);
  [...there, ...here, again].forEach((socket) => socket.destroy());
  assert.strictEqual((await small.stop()).code, 0);
});

test('peers: the end', async () => {
  assert.strictEqual((await gateway.stop()).code, 0);
});

run();
