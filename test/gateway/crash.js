/*
 * A database that goes away, and comes back. The directory of the server is in KZ_CLUSTER.
 */
'use strict';

const net = require('node:net');
const { Gateway, assert, cluster, listening, run, sleep, startCluster, test, until, withClient } = require('./harness');

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
  const proxy = await listening(net.createServer((front) => {
    const back = net.connect(`${process.env.PGHOST}/.s.PGSQL.${process.env.PGPORT}`);

    front.pipe(back);
    front.on('error', () => {}).on('close', () => back.destroy());
    back.on('error', () => {}).on('close', () => front.destroy()).on('data', (data) => (cut ? front.destroy() : front.write(data)));
  }));
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

test('crash: the end', async () => {
  assert.strictEqual((await gateway.stop()).code, 0);
});

run();
