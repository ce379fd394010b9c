/*
 * Many clients, slow ones, and those who want too much.
 */
'use strict';

const fs = require('node:fs');
const { Gateway, assert, frame, run, sleep, test, until, withClient } = require('./harness');

const INDEX = 'gateway-load';
const now = (requestId) => ({ controller: 'server', action: 'now', requestId });
const upsert = (_id, changes, requestId) =>
  ({ controller: 'document', action: 'upsert', index: INDEX, collection: 'c', _id, body: { changes }, requestId });

let gateway;

const rss = () => Number(/VmRSS:\s+(\d+)/.exec(fs.readFileSync(`/proc/${gateway.process.pid}/status`, 'utf8'))[1]) / 1024;

/* What the gateway has had of the processors, in hundredths of a second. */
const ticks = () => fs.readFileSync(`/proc/${gateway.process.pid}/stat`, 'utf8').split(') ')[1].split(' ')
  .slice(11, 13).reduce((sum, n) => sum + Number(n), 0);

/* Make calls while another transaction keeps a document locked, then let that go. */
async function whileLocked(id, body) {
  await gateway.put(`/${INDEX}/c/${id}/_upsert`, { changes: { n: 0 } });
  await withClient(async (client) => {
    await client.query('BEGIN');
    await client.query('SELECT kz_update($1, $2, $3, $4)', [INDEX, 'c', id, { locked: true }]);
    await body(() => client.query('COMMIT'));
  });
}

test('load: a gateway', async () => {
  gateway = await Gateway.start({ 'read-timeout': 2, 'idle-timeout': 600, connections: 2, queue: 4096, 'max-clients': 2300,
    timeout: 120, 'send-timeout': 120 });
  assert.strictEqual((await gateway.put(`/${INDEX}/c`)).status, 200);
});

test('load: 2000 idle sockets, and 200 busy ones', async () => {
  const idle = await Promise.all(Array.from({ length: 2000 }, () => gateway.socket()));

  assert.strictEqual(await gateway.metric('websockets'), 2000);
  const busy = await Promise.all(Array.from({ length: 200 }, () => gateway.socket()));
  const statuses = await Promise.all(busy.map(async (socket, i) => {
    const answers = [];

    for (let n = 0; n < 5; n++) {
      answers.push((await socket.ask(upsert(`${i}`, { n }, `${n}`))).status);
    }
    return answers;
  }));
  assert.deepStrictEqual([...new Set(statuses.flat())], [200]);
  assert.strictEqual((await idle[1999].ask(now('awake'))).room, 'awake');
  [...idle, ...busy].forEach(({ raw }) => raw.destroy());
  await until(async () => await gateway.metric('clients') <= 1);
});

test('load: more clients than there may be are closed', async () => {
  const idle = await Promise.all(Array.from({ length: 2310 }, () => gateway.raw()));

  await until(() => idle.filter(({ ended }) => ended).length >= 10);
  assert.ok(await gateway.metric('clients_refused_total') >= 10);
  idle.forEach((raw) => raw.destroy());
  await until(async () => await gateway.metric('clients') <= 1);
});

test('load: clients that dribble are closed, and hold nobody up', async () => {
  const slow = await Promise.all(Array.from({ length: 200 }, () => gateway.raw()));
  const timer = setInterval(() => slow.forEach((raw) => !raw.ended && raw.send('X')), 200);

  try {
    slow.forEach((raw, i) => raw.send(i % 2 ? 'GET /_now HTTP/1.1\r\nX-' : 'POST /_query HTTP/1.1\r\nHost: x\r\nContent-Length: 9999\r\n\r\n{'));
    gateway.log = '';
    assert.strictEqual((await gateway.request('GET', '/_now')).status, 200);
    assert.deepStrictEqual([...new Set(await Promise.all(slow.map((raw) => raw.status())))], [408]);
    assert.match(gateway.log, /^[^]*? target="\/_now" .* status=200 /);
    assert.ok(gateway.log.indexOf(' status=200 ') < gateway.log.indexOf(' status=408 '), 'answered before they were closed');
  } finally {
    clearInterval(timer);
    slow.forEach((raw) => raw.destroy());
  }
});

test('load: pings without end, from a client that does not read', async () => {
  const socket = await gateway.socket();
  const before = rss();
  const pings = Buffer.concat(Array.from({ length: 1000 }, () => frame('ping', 'x'.repeat(125))));

  socket.raw.socket.pause();
  for (let i = 0; i < 200; i++) {
    socket.raw.send(pings);
  }
  assert.strictEqual((await gateway.request('GET', '/_now')).status, 200);
  await new Promise((resolve) => { setTimeout(resolve, 500); });
  assert.ok(rss() - before < 20, `${before} MB, then ${rss()} MB`);
  socket.raw.destroy();
});

test('load: answers that nobody takes', async () => {
  const documents = Array.from({ length: 100 }, (_, i) => ({ _id: `large-${i}`, body: { text: 'x'.repeat(5000) } }));
  const ids = documents.map(({ _id }) => _id);
  const sockets = await Promise.all(Array.from({ length: 20 }, () => gateway.socket()));
  const before = rss();

  assert.strictEqual((await gateway.put(`/${INDEX}/c/_mCreateOrReplace`, { documents })).status, 200);
  for (const socket of sockets) {
    socket.raw.socket.pause();
    for (let i = 0; i < 100; i++) {
      socket.say({ controller: 'document', action: 'mGet', index: INDEX, collection: 'c', body: { ids } });
    }
  }
  for (let i = 0; i < 20; i++) {
    assert.strictEqual((await gateway.request('GET', '/_now')).status, 200);
    await new Promise((resolve) => { setTimeout(resolve, 50); });
  }
  // There are 2000 answers of 500 kB: but who does not take them gets no more.
  await until(async () => await gateway.metric('database_connections_busy') === 0 && await gateway.metric('requests_waiting') === 0, 60000);
  assert.strictEqual((await gateway.request('GET', '/_now')).status, 200);
  assert.ok(rss() - before < 150, `${before} MB, then ${rss()} MB`);
  sockets[0].raw.socket.resume();
  for (let i = 0; i < 100; i++) {
    assert.strictEqual((await sockets[0].json()).result.successes.length, 100);
  }
  sockets.forEach(({ raw }) => raw.destroy());
});

test('load: what takes too long is cancelled, and says so', async () => {
  const impatient = await Gateway.start({ timeout: 1 });

  await whileLocked('slow', async (commit) => {
    const kuzzle = await impatient.put(`/${INDEX}/c/slow/_upsert`, { changes: { n: 1 } });

    assert.deepStrictEqual([kuzzle.status, kuzzle.json.error.id, kuzzle.json.status], [504, 'services.storage.timeout', 504]);
    await commit();
  });
  assert.strictEqual((await gateway.request('GET', `/${INDEX}/c/slow`)).json.result._source.n, 0);
  assert.strictEqual((await impatient.stop()).code, 0);
});

test('load: a gateway with little room', async () => {
  assert.strictEqual((await gateway.stop()).code, 0);
  gateway = await Gateway.start({ connections: 2, queue: 20, 'max-requests': 30 });
  await until(async () => await gateway.metric('database_connections') === 2);
});

const lockers = (n, id) => Array.from({ length: n }, (_, i) => frame('text', JSON.stringify(upsert(id, { [`n${i}`]: 1 }, `r${i}`))));

test('load: too many wait in vain', async () => {
  const [greedy, modest] = [await gateway.socket(), await gateway.socket()];

  await whileLocked('busy', async (commit) => {
    // Two wait for the lock, and keep both connections; the others for a connection.
    const frames = lockers(22, 'busy');
    greedy.send(...frames.slice(0, 2));
    await until(async () => await gateway.metric('requests_waiting') === 0 && await gateway.metric('database_connections_busy') === 2);
    greedy.send(...frames.slice(2));
    await until(async () => await gateway.metric('requests_waiting') === 20);
    const refused = await gateway.request('GET', '/_now');
    assert.deepStrictEqual([refused.status, refused.json.error.id], [503, 'api.process.overloaded']);
    const milvus = await gateway.post('/v2/vectordb/collections/list', {});
    assert.deepStrictEqual([milvus.status, milvus.json.code], [503, 1807]);
    const overloaded = await modest.ask(now('early'));
    assert.deepStrictEqual([overloaded.status, overloaded.room], [503, 'early']);
    await commit();
  });
  for (let i = 0; i < 22; i++) {
    assert.strictEqual((await greedy.json()).status, 200);
  }
  [greedy, modest].forEach(({ raw }) => raw.destroy());
});

test('load: clients take turns', async () => {
  const single = await Gateway.start({ connections: 1 });
  const [greedy, modest] = [await single.socket(), await single.socket()];

  await whileLocked('turns', async (commit) => {
    greedy.send(...lockers(18, 'turns'));
    await until(async () => await single.metric('requests_waiting') === 17);
    modest.say(now('turn'));
    await until(async () => await single.metric('requests_waiting') === 18);
    await commit();
  });
  assert.strictEqual((await modest.json()).room, 'turn');
  for (let i = 0; i < 18; i++) {
    assert.strictEqual((await greedy.json()).status, 200);
  }
  // Its turn was after the one that held the connection, and the next.
  await until(() => single.log.match(/target="document:upsert"/g)?.length === 18);
  const order = single.log.match(/target="(server:now|document:upsert)"/g);
  assert.strictEqual(order.indexOf('target="server:now"'), 2, `${order}`);
  [greedy, modest].forEach(({ raw }) => raw.destroy());
  assert.strictEqual((await single.stop()).code, 0);
});

test('load: a socket has no more under way than it may', async () => {
  const socket = await gateway.socket();

  await whileLocked('many', async (commit) => {
    // Two run, whatever the connections were doing, twenty wait, all others are told that there is no room.
    socket.send(...lockers(2, 'many'));
    await until(async () => await gateway.metric('database_connections_busy') === 2);
    socket.send(...lockers(98, 'many'));
    await until(async () => await gateway.metric('requests_in_progress') === 22);
    await commit();
  });
  const statuses = [];
  for (let i = 0; i < 100; i++) {
    statuses.push((await socket.json()).status);
  }
  assert.deepStrictEqual([...new Set(statuses)].sort(), [200, 503]);
  socket.raw.destroy();
});

test('load: a socket that has as many under way as it may is not read', async () => {
  const strict = await Gateway.start({ connections: 1, 'max-requests': 3 });
  const socket = await strict.socket();

  await whileLocked('strict', async (commit) => {
    socket.send(...lockers(50, 'strict'));
    await until(async () => await strict.metric('requests_in_progress') === 3);
    await new Promise((resolve) => { setTimeout(resolve, 100); });
    assert.strictEqual(await strict.metric('requests_in_progress'), 3);
    await commit();
  });
  for (let i = 0; i < 50; i++) {
    assert.strictEqual((await socket.json()).status, 200);
  }
  socket.raw.destroy();
  assert.strictEqual((await strict.stop()).code, 0);
});

test('load: what is not read yet waits, and takes no time of ours', async () => {
  const body = JSON.stringify({ changes: { n: 1 } });
  const request = (connection) => `PUT /${INDEX}/c/held/_upsert HTTP/1.1\r\nHost: x\r\nConnection: ${connection}\r\n` +
    `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  const raw = await gateway.raw();

  await whileLocked('held', async (commit) => {
    raw.send(request('keep-alive'));
    await until(async () => await gateway.metric('requests_in_progress') === 1);
    const before = ticks();

    raw.send(request('close'));
    raw.socket.end();
    await sleep(500);
    assert.ok(ticks() - before < 15, `${ticks() - before} of 50 ticks`);
    assert.strictEqual(await gateway.metric('requests_in_progress'), 1);
    await commit();
  });
  assert.strictEqual((await raw.end()).match(/HTTP\/1\.1 200/g).length, 2);
});

test('load: an error at commit is the answer', async () => {
  await withClient(async (client) => {
    await client.query(`CREATE FUNCTION refuse_late() RETURNS trigger LANGUAGE plpgsql AS
      $$BEGIN RAISE EXCEPTION 'too late' USING ERRCODE = '40001'; END$$`);
    await client.query(`CREATE CONSTRAINT TRIGGER late AFTER INSERT ON "${INDEX}".c DEFERRABLE INITIALLY DEFERRED
      FOR EACH ROW WHEN (NEW._id = 'late') EXECUTE FUNCTION refuse_late()`);
    try {
      const answer = await gateway.put(`/${INDEX}/c/late/_upsert`, { changes: {} });

      assert.deepStrictEqual([answer.status, answer.json.error.message], [503, 'too late']);
      const socket = await gateway.socket();
      assert.deepStrictEqual((({ status, room }) => [status, room])(await socket.ask(upsert('late', {}, 'x'))), [503, 'x']);
      assert.strictEqual((await gateway.request('GET', `/${INDEX}/c/late`)).status, 404);
      socket.raw.destroy();
    } finally {
      await client.query(`DROP TRIGGER late ON "${INDEX}".c`);
      await client.query('DROP FUNCTION refuse_late');
    }
  });
});

test('load: the end lets requests end', async () => {
  const socket = await gateway.socket();
  let end;

  await whileLocked('last', async (commit) => {
    socket.say(upsert('last', { n: 9 }, 'last'));
    await until(async () => await gateway.metric('database_connections_busy') === 1);
    end = gateway.stop();
    await until(() => gateway.log.includes('finishing'));
    await assert.rejects(gateway.raw());
    await commit();
  });
  assert.deepStrictEqual((({ status, room }) => [status, room])(await socket.json()), [200, 'last']);
  assert.strictEqual(await socket.code(), 1001);
  socket.raw.destroy();
  assert.strictEqual((await end).code, 0);
  await withClient((client) => client.query('SELECT kz_delete_index($1)', [INDEX]));
});

run();
