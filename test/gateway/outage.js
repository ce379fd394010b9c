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

run();
