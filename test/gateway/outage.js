/*
 * What is told of requests, of a database that is away, and at the end. The directory of
 * the server is in KZ_CLUSTER.
 */
'use strict';

const net = require('node:net');
const { Gateway, assert, cluster, run, sleep, startCluster, test, until, withClient } = require('./harness');

const INDEX = 'gateway-outage';
const document = (action, _id, more) => ({ controller: 'document', action, index: INDEX, collection: 'c', _id, requestId: `${action}-${_id}`, ...more });

test('outage: a server', async () => {
  await startCluster();
  await withClient((client) => client.query('CREATE DATABASE outage'));
  process.env.PGDATABASE = 'outage';
  await withClient((client) => client.query(`CREATE EXTENSION kz; SELECT kz_create_collection('${INDEX}', 'c')`));
});

test('outage: the log and the metrics have the status of frames', async () => {
  const gateway = await Gateway.start();
  const socket = await gateway.socket();
  const statuses = [];
  const count = async (status) => (await gateway.metric(`answers_total\\{protocol="kuzzle_websocket",status="${status}"\\}`));

  for (const request of [document('create', 'a', { body: {} }), document('get', 'none'), document('create', 'a', { body: {} }),
    document('update', 'a', { body: 1 }), document('get', 'x'.repeat(600)), { controller: 'none', action: 'none' }]) {
    statuses.push((await socket.ask(request)).status);
  }
  assert.deepStrictEqual(statuses.slice(0, 3), [200, 404, 400]);
  await withClient((client) => client.query(`ALTER TABLE "${INDEX}".c RENAME TO d`));
  statuses.push((await socket.ask(document('get', 'a'))).status);
  await withClient((client) => client.query(`ALTER TABLE "${INDEX}".d RENAME TO c`));
  await until(() => (gateway.log.match(/method="WS"/g) ?? []).length === statuses.length);
  assert.deepStrictEqual(gateway.log.match(/method="WS".*/g).map((line) => Number(/status=(\d+)/.exec(line)[1])), statuses);
  assert.strictEqual(await count('2xx'), statuses.filter((status) => status < 300).length);
  assert.strictEqual(await count('4xx'), statuses.filter((status) => status >= 400 && status < 500).length);
  assert.strictEqual(await count('5xx'), statuses.filter((status) => status >= 500).length);
  socket.raw.destroy();
  assert.strictEqual((await gateway.stop()).code, 0);
});

test('outage: of errors by WebSocket there is a line where only those get one', async () => {
  const gateway = await Gateway.start({ 'log-requests': 'errors', connections: 1 });
  const socket = await gateway.socket();

  await withClient((client) => client.query(`CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE 'internal' USING ERRCODE = 'XX000'; END$$;
    CREATE TRIGGER fail BEFORE INSERT ON "${INDEX}".c FOR EACH ROW WHEN (NEW._id = 'fail') EXECUTE FUNCTION fail()`));
  assert.strictEqual((await socket.ask(document('create', 'fail', { body: {} }))).status, 500);
  assert.strictEqual((await socket.ask(document('create', 'good', { body: {} }))).status, 200);
  assert.strictEqual((await gateway.request('GET', '/_now')).status, 200);
  assert.deepStrictEqual(gateway.log.match(/target="document:create".*status=\d+/g).map((line) => line.slice(-3)), ['500']);
  socket.raw.destroy();
  assert.strictEqual((await gateway.stop()).code, 0);
});

test('outage: a line when the database goes, and one when it is back', async () => {
  const gateway = await Gateway.start({ connections: 5 });
  const lines = () => gateway.log.split('\n').filter((line) => / message=/.test(line) && !/the database says|listens/.test(line))
    .map((line) => /message="(.*)"$/.exec(line)[1]);

  await until(async () => await gateway.metric('database_connections') === 5);
  for (let i = 1; i <= 2; i++) {
    cluster('stop');
    await until(async () => await gateway.metric('database_connections') === 0);
    // Each of the five tries again some times.
    await sleep(1000);
    assert.strictEqual((await gateway.request('GET', '/_now')).status, 503);
    cluster('start');
    await until(async () => await gateway.metric('database_connections') === 5);
    const told = lines();
    assert.strictEqual(told.length, 1 + 2 * i, told.join('\n'));
    assert.match(told.at(-2), /^no connection to the database: [^\t]*$/);
    assert.doesNotMatch(told.at(-2), /probably means|Is the server running/);
    assert.strictEqual(told.at(-1), 'connected to the database');
  }
  assert.strictEqual((await gateway.stop()).code, 0);
});

test('outage: without a database, one short line', async () => {
  const gateway = await Gateway.start({ connections: 5, database: 'host=/nowhere' }, { connected: false });

  await until(() => gateway.log.includes('no connection to the database'));
  await sleep(700);
  assert.deepStrictEqual(gateway.log.match(/no connection.*/g).map((line) => line.replace(/socket .*? failed/, 'socket failed')),
    ['no connection to the database: connection to server on socket failed: No such file or directory"']);
  assert.strictEqual((await gateway.stop()).code, 0);
});

test('outage: some connections are refused', async () => {
  const gateway = await Gateway.start({ connections: 62 });

  await until(() => gateway.log.includes('no connection'));
  await sleep(500);
  const told = gateway.log.match(/no connection.*/g);
  assert.strictEqual(told.length, 1, told.join('\n'));
  assert.match(told[0], /^no connection to the database for \d of 62: .*too many clients/);
  assert.strictEqual((await gateway.request('GET', '/_now')).status, 200);
  assert.strictEqual((await gateway.stop()).code, 0);
  await until(() => withClient(() => true).catch(() => false));
});

/* Let requests wait, and one of them run, while a gateway ends that gives them a second. */
async function whileEnding(body) {
  const gateway = await Gateway.start({ connections: 1, 'drain-timeout': 1 });
  const upsert = (id) => `PUT /${INDEX}/c/${id}/_upsert HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 19\r\n\r\n{"changes":{"n":1}}`;

  await gateway.put(`/${INDEX}/c/held/_upsert`, { changes: { n: 0 } });
  await withClient(async (client) => {
    await client.query('BEGIN');
    await client.query('SELECT kz_update($1, $2, $3, $4)', [INDEX, 'c', 'held', { locked: true }]);
    await body(gateway, upsert, () => client.query('COMMIT'));
  });
}

test('outage: who waits when the time to end is over is told', async () => {
  await whileEnding(async (gateway, upsert, commit) => {
    const held = (await gateway.raw()).send(upsert('held'));

    await until(async () => await gateway.metric('database_connections_busy') === 1);
    const waiting = (await gateway.raw()).send(upsert('waiting'));
    const milvus = (await gateway.raw()).send('POST /v2/vectordb/collections/list HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}');
    const socket = await gateway.socket();
    socket.say(document('upsert', 'framed', { body: { changes: {} } }));
    await until(async () => await gateway.metric('requests_waiting') === 3);
    const end = gateway.stop();

    for (const [raw, message] of [[held, /it is not known whether/], [waiting, /gateway ends; the request was not done/], [milvus, /gateway ends; the request was not done/]]) {
      const answer = await raw.end();

      assert.match(answer, /^HTTP\/1\.1 503 /);
      assert.match(answer, message);
    }
    assert.match(await milvus.end(), /"code":65535/);
    const framed = await socket.json();
    assert.deepStrictEqual([framed.status, framed.room, framed.error.id], [503, 'upsert-framed', 'services.storage.not_connected']);
    assert.strictEqual(await socket.code(), 1001);
    for (const { socket: client } of [held, waiting, milvus, socket.raw]) {
      client.end();
    }
    const { code, log } = await end;
    assert.strictEqual(code, 0);
    assert.strictEqual(log.match(/status=503/g).length, 4);
    await commit();
    // What had begun is the server's to finish, or to stop at its timeout; nothing else was done.
    await until(async () => (await withClient((client) => client.query(
      `SELECT count(*)::int AS n FROM pg_stat_activity WHERE application_name = 'kz-gateway'`))).rows[0].n === 0);
    const { rows } = await withClient((client) => client.query(`SELECT _id, _source->'n' AS n FROM "${INDEX}".c WHERE _id IN ('held', 'waiting', 'framed')`));
    assert.deepStrictEqual(rows, [{ _id: 'held', n: 1 }]);
  });
});

test('outage: a server that is silent to the end', async () => {
  const silent = net.createServer(() => {});

  await new Promise((resolve) => { silent.listen(0, '127.0.0.1', resolve); });
  const gateway = await Gateway.start({ connections: 2, 'drain-timeout': 1, database: `host=127.0.0.1 port=${silent.address().port}` }, { connected: false });
  assert.strictEqual((await gateway.request('GET', '/_now')).status, 503);
  assert.strictEqual((await gateway.stop()).code, 0);
  silent.close();
});

run();
