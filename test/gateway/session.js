/*
 * What the code of one role does to a session of the database, and what the next meets
 * of it. The directory of the server is in KZ_CLUSTER.
 */
'use strict';

const crypto = require('node:crypto');
const fs = require('node:fs');
const net = require('node:net');
const path = require('node:path');
const { Gateway, assert, frame, listening, run, sign, sleep, startCluster, test, until, withClient } = require('./harness');

const SECRET = crypto.randomBytes(48).toString('base64');
const secret = path.join(process.env.KZ_CLUSTER, 'session-secret');
const bearer = (role) => ({ Authorization: `Bearer ${sign({ sub: role, role, exp: Math.floor(Date.now() / 1000) + 600 }, SECRET)}` });
const config = { 'jwt-key': secret, database: 'dbname=session user=gateway', connections: 1, timeout: 7 };

let gateway;

/*
 * Write a document of a role. Triggers run the commands that stand in it: at once, at
 * the commit, and last what is to be looked at.
 */
function write(role, { run: now = [], late = [], look = "''" }, to = gateway) {
  return to.put(`/of-${role}/docs/x`, { now, late, look }, bearer(role));
}

/* What a role finds, and in which session. */
async function look(role, what, to = gateway) {
  const { status, json } = await write(role, { look: what }, to);

  assert.strictEqual(status, 200, JSON.stringify(json?.error));
  return json.result._source;
}

test('session: a server, and a gateway', async () => {
  await startCluster();
  fs.writeFileSync(secret, SECRET);
  await withClient((client) => client.query('CREATE DATABASE session'));
  process.env.PGDATABASE = 'session';
  await withClient((client) => client.query(`CREATE SCHEMA here; CREATE EXTENSION kz SCHEMA here; SET search_path = here;
    DO $$ DECLARE name text; BEGIN
      FOREACH name IN ARRAY ARRAY['gateway', 'ada', 'ben'] LOOP
        IF to_regrole(name) IS NULL THEN EXECUTE format('CREATE ROLE %I NOINHERIT', name); END IF;
      END LOOP; END $$;
    ALTER ROLE gateway LOGIN; GRANT ada, ben TO gateway; GRANT USAGE ON SCHEMA here TO PUBLIC;
    GRANT TEMPORARY ON DATABASE session TO PUBLIC;
    CREATE FUNCTION here.run() RETURNS trigger LANGUAGE plpgsql AS $$ DECLARE command text; BEGIN
      FOR command IN SELECT pg_catalog.jsonb_array_elements_text(NEW._source->TG_ARGV[0]) LOOP EXECUTE command; END LOOP;
      IF TG_ARGV[0] = 'now' THEN
        EXECUTE 'SELECT ' || (NEW._source->>'look') INTO command;
        NEW._source := pg_catalog.jsonb_build_object('late', NEW._source->'late', 'found', command, 'session', pg_catalog.pg_backend_pid());
      END IF;
      RETURN NEW; END $$;
    CREATE SEQUENCE here.numbers; GRANT USAGE ON SEQUENCE here.numbers TO PUBLIC`));
  for (const role of ['ada', 'ben']) {
    await withClient((client) => client.query(`SET search_path = here; SELECT kz_create_collection('of-${role}', 'docs');
      GRANT USAGE ON SCHEMA "of-${role}" TO ${role}; GRANT ALL ON "of-${role}".docs TO ${role};
      CREATE TRIGGER now BEFORE INSERT OR UPDATE ON "of-${role}".docs FOR EACH ROW EXECUTE FUNCTION here.run('now');
      CREATE CONSTRAINT TRIGGER late AFTER INSERT OR UPDATE ON "of-${role}".docs DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW EXECUTE FUNCTION here.run('late')`));
  }
  gateway = await Gateway.start(config);
});

/* What is left, where it is seen, and what is to be seen there. */
const LEFT = {
  'a setting': ['SET search_path = nowhere', "current_setting('search_path')", '"$user", public'],
  'a setting of its own': ["SELECT set_config('my.secret', 'x', false)", "coalesce(current_setting('my.secret', true), '')", ''],
  'no timeout': ['SET statement_timeout = 0', "current_setting('statement_timeout')", '7s'],
  'a name': ["SET application_name = 'mine'", "current_setting('application_name')", 'kz-gateway'],
  'transactions that write nothing': ['SET default_transaction_read_only = on', "current_setting('transaction_read_only')", 'off'],
  'another isolation': ['SET default_transaction_isolation = serializable', "current_setting('transaction_isolation')", 'read committed'],
  'a temporary table': ['CREATE TEMP TABLE mine (secret text)', "coalesce(to_regclass('pg_temp.mine')::text, '')", ''],
  'a temporary function': ["CREATE FUNCTION pg_temp.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'", "coalesce(to_regproc('pg_temp.mine')::text, '')", ''],
  'a channel': ['LISTEN mine', "coalesce((SELECT string_agg(c, ' ') FROM pg_listening_channels() c), '')", ''],
  'a lock': ['SELECT pg_advisory_lock(42)', "(SELECT count(*) FROM pg_locks WHERE locktype = 'advisory')::text", '0'],
  'a cursor': ['DECLARE mine CURSOR WITH HOLD FOR SELECT 1', "(SELECT count(*) FROM pg_cursors WHERE is_holdable)::text", '0'],
  'a role': ['SET ROLE ben', 'current_user', null],
};

for (const [name, [left, where, expected]] of Object.entries(LEFT)) {
  test(`session: ${name}, left by a trigger, is not there for another role`, async () => {
    for (const when of ['run', 'late']) {
      const before = await look('ada', "''");

      assert.strictEqual((await write('ada', { [when]: [left] })).status, 200);
      const { found, session } = await look('ben', where);
      assert.deepStrictEqual([found, session], [expected ?? 'ben', before.session], when);
      // Nor was it put back by what has failed, nor is it there for who has left it.
      assert.strictEqual((await write('ben', { run: ["SELECT 'x'::int"] })).status, 400);
      assert.deepStrictEqual(await look('ada', where), { ...before, found: expected ?? 'ada' });
    }
  });
}

test('session: the last number of a sequence, taken by a trigger, is not there for another role', async () => {
  assert.strictEqual((await write('ada', { run: ["SELECT nextval('here.numbers')"] })).status, 200);
  const { status, json } = await write('ben', { look: 'lastval()' });

  assert.deepStrictEqual([status, json.error.message], [500, 'lastval is not yet defined in this session']);
});

test('session: what is left by a request that fails', async () => {
  const { session } = await look('ada', "''");

  assert.strictEqual((await write('ada', { run: ['SELECT pg_advisory_lock(42)', "SELECT 'x'::int"] })).status, 400);
  const [, where] = LEFT['a lock'];
  assert.deepStrictEqual(await look('ben', where), { found: '0', late: [], session });
});

const prepared = "coalesce((SELECT string_agg(name, ' ') FROM pg_prepared_statements WHERE from_sql), '')";
const TRAPS = {
  'a statement': ['PREPARE mine AS SELECT 1'],
  'no statement': ['DEALLOCATE ALL'],
  'none of one name': ['DEALLOCATE http'],
  'another in the place of a call': ['DEALLOCATE http', `PREPARE http(text, text, jsonb, text, text) AS SELECT 200, '{}', 'trap'`],
  'another in the place of a role': ['DEALLOCATE role', 'PREPARE role(text) AS SELECT 1'],
  'another in the place of a reset': ['DEALLOCATE "reset settings"', 'PREPARE "reset settings" AS SELECT 1'],
};

for (const [name, traps] of Object.entries(TRAPS)) {
  test(`session: ${name}, prepared by a trigger`, async () => {
    for (const when of ['run', 'late']) {
      assert.strictEqual((await write('ada', { [when]: traps })).status, 200);
      for (let i = 0; i < 5; i++) {
        assert.deepStrictEqual((await look('ben', prepared)).found, '', when);
      }
    }
    assert.strictEqual((await write('ada', { run: [...traps, "SELECT 'x'::int"] })).status, 400);
    assert.deepStrictEqual((await look('ben', prepared)).found, '');
  });
}

test('session: who has made statements vanish is served, too', async () => {
  for (let i = 0; i < 5; i++) {
    assert.strictEqual((await write('ada', { run: ['DEALLOCATE ALL'] })).status, 200);
  }
});

test('session: a request that is put back stands behind those that wait', async () => {
  const socket = await gateway.socket();
  const jwt = bearer('ada').Authorization.slice('Bearer '.length);

  // The first takes the statements away, so the second is refused, while the others wait.
  for (let round = 0; round < 3; round++) {
    socket.send(...Array.from({ length: 6 }, (_, i) => frame('text', JSON.stringify({
      controller: 'document', action: 'createOrReplace', index: 'of-ada', collection: 'docs', _id: `${i}`, requestId: `${i}`, jwt,
      body: { now: i === 0 ? ['DEALLOCATE ALL'] : [], late: [], look: "''" },
    }))));
    const answers = [];
    for (let i = 0; i < 6; i++) {
      const { status, requestId, result, error } = await socket.json();

      assert.strictEqual(status, 200, JSON.stringify(error));
      assert.strictEqual(result._version, round + 1);
      answers.push(requestId);
    }
    assert.deepStrictEqual(answers.sort(), ['0', '1', '2', '3', '4', '5']);
  }
  assert.strictEqual(await gateway.metric('requests_in_progress'), 0);
  socket.raw.destroy();
});

test('session: the timeout is there after a thousand resets', async () => {
  const short = await Gateway.start({ ...config, timeout: 2, 'max-requests': 50 });
  const socket = await short.socket();
  const { session } = await look('ben', "''", short);
  const words = ['ada', 'ben'].map((role) => JSON.stringify({
    controller: 'document', action: 'createOrReplace', index: `of-${role}`, collection: 'docs', _id: 'x', requestId: role,
    body: { now: [], late: [], look: `${role === 'ada' ? "set_config('statement_timeout', '0', false)" : "current_setting('statement_timeout')"}` },
    jwt: bearer(role).Authorization.slice('Bearer '.length),
  }));

  for (let i = 0; i < 1000; i++) {
    if (i % 50 === 0) {
      socket.send(...Array.from({ length: 50 }, (_, n) => frame('text', words[n % 2])));
    }
    const { status, result, error } = await socket.json();

    assert.strictEqual(status, 200, JSON.stringify(error));
    assert.deepStrictEqual([result._source.found, result._source.session], [i % 2 ? '2s' : '0', session]);
  }
  assert.strictEqual((await write('ben', { look: 'pg_sleep(20)' }, short)).status, 504);
  socket.raw.destroy();
  assert.strictEqual((await short.stop()).code, 0);
});

test('session: settings of --database and of the environment stay, but for the timeout', async () => {
  for (const [database, env] of [
    ["dbname=session user=gateway options='-c work_mem=5MB -c statement_timeout=1'", {}],
    ['postgresql:///session?user=gateway&options=-c%20work_mem%3D5MB', {}],
    ['dbname=session user=gateway', { PGOPTIONS: '-c work_mem=5MB' }],
    ['service=kz user=gateway', { PGSERVICEFILE: `${secret}-services` }],
    ['session', { PGUSER: 'gateway', PGOPTIONS: '-c work_mem=5MB' }],
  ]) {
    fs.writeFileSync(`${secret}-services`, '[kz]\ndbname=session\noptions=-c work_mem=5MB\n');
    const other = await Gateway.start({ ...config, database }, { env });
    const settings = "concat_ws(' ', current_setting('work_mem'), current_setting('statement_timeout'))";

    assert.strictEqual((await write('ada', { run: ['SET work_mem = 64'] }, other)).status, 200);
    assert.strictEqual((await look('ben', settings, other)).found, '5MB 7s', database);
    assert.strictEqual((await other.stop()).code, 0);
  }
});

test('session: what is left is given back when there is nothing to do', async () => {
  const locks = () => withClient(async (client) => (await client.query(
    "SELECT count(*)::int AS n FROM pg_locks WHERE locktype = 'advisory'")).rows[0].n);

  assert.strictEqual((await write('ada', { run: ['SELECT pg_advisory_lock(42)'] })).status, 200);
  await until(async () => await locks() === 0);
});

test('session: notifications that nobody wants', async () => {
  const { session } = await look('ada', "''");

  for (let i = 0; i < 3; i++) {
    assert.strictEqual((await write('ada', { run: ['LISTEN mine', "SELECT pg_notify('mine', i::text) FROM generate_series(1, 100) i"] })).status, 200);
  }
  assert.strictEqual((await look('ben', "''")).session, session);
});

test('session: errors of the server itself end a session, those of functions do not', async () => {
  const raise = (code) => [`DO $$BEGIN RAISE 'raised' USING ERRCODE = '${code}'; END$$`];

  for (const [commands, status, ends] of [
    [raise('XX000'), 500, true], [raise('XX001'), 500, true], [raise('25P02'), 500, true],
    [raise('26000'), 500, false], [raise('42883'), 500, false], [raise('3F000'), 500, false], [raise('0A000'), 500, false],
    [['EXECUTE nothing'], 500, false], [['SELECT nothing()'], 500, false], [['CREATE TABLE nowhere.t()'], 500, false],
    [raise('P0001'), 500, false], [raise('40001'), 503, false],
  ]) {
    const before = await look('ben', "''");
    const answer = await write('ada', { late: commands });

    assert.strictEqual(answer.status, status, `${commands}`);
    assert.strictEqual((await look('ben', "''")).session !== before.session, ends, `${commands}`);
  }
});

test('session: one that fails is not asked first', async () => {
  const two = await Gateway.start({ ...config, connections: 2 });

  await until(async () => await two.metric('database_connections') === 2);
  const { session } = await look('ada', "''", two);
  const failing = [`DO $$BEGIN IF pg_backend_pid() = ${session} THEN RAISE 'this one fails'; END IF; END$$`];
  const statuses = [];
  for (let i = 0; i < 20; i++) {
    statuses.push((await write('ada', { late: failing }, two)).status);
    // Resting, it is reset, and still is not the first.
    await sleep(i === 3 ? 60 : 0);
  }
  // It has the first, and some that come while the other is reset.
  assert.ok(statuses.includes(500), `${statuses}`);
  assert.ok(statuses.filter((status) => status === 200).length >= 12, `${statuses}`);
  assert.strictEqual((await two.stop()).code, 0);
});

/* Between a gateway and the server: says once that a transaction has failed when it has ended. */
async function startLiar() {
  const liar = { lies: 0 };

  liar.server = await listening(net.createServer((front) => {
    const back = net.connect(`${process.env.PGHOST}/.s.PGSQL.${process.env.PGPORT}`);

    front.pipe(back);
    front.on('error', () => {}).on('close', () => back.destroy());
    back.on('error', () => {}).on('close', () => front.destroy()).on('data', (data) => {
      const at = liar.lies > 0 ? data.lastIndexOf(Buffer.from('Z\0\0\0\x05I', 'latin1')) : -1;

      if (at >= 0) {
        data[at + 5] = 'E'.charCodeAt(0);
        liar.lies--;
      }
      front.write(data);
    });
  }));
  return liar;
}

test('session: one whose transaction has not ended is given up', async () => {
  const liar = await startLiar();
  const behind = await Gateway.start({ ...config,
    database: `host=127.0.0.1 port=${liar.server.address().port} sslmode=disable gssencmode=disable dbname=session user=gateway` });
  const before = await look('ada', "''", behind);

  liar.lies = 1;
  assert.strictEqual((await look('ada', "''", behind)).session, before.session);
  for (let i = 0; i < 5; i++) {
    assert.notStrictEqual((await look('ben', "''", behind)).session, before.session);
  }
  assert.match(behind.log, /given up: its transaction has not ended/);
  assert.strictEqual((await behind.stop()).code, 0);
  liar.server.close();
});

test('session: kz has moved', async () => {
  const several = await Gateway.start({ ...config, connections: 3 });

  await until(async () => await several.metric('database_connections') === 3);
  for (const command of ['ALTER SCHEMA here RENAME TO there', 'ALTER SCHEMA there RENAME TO here',
    'DROP EXTENSION kz CASCADE; CREATE SCHEMA elsewhere; GRANT USAGE ON SCHEMA elsewhere TO PUBLIC; CREATE EXTENSION kz SCHEMA elsewhere']) {
    await withClient((client) => client.query(command));
    assert.strictEqual((await several.request('GET', '/_now', { headers: bearer('ben') })).status, 500);
    const answers = await Promise.all(Array.from({ length: 12 }, () => several.request('GET', '/_now', { headers: bearer('ada') })));
    assert.deepStrictEqual([...new Set(answers.map(({ status }) => status))], [200], command);
  }
  assert.strictEqual((await several.stop()).code, 0);
});

test('session: a database without an encoding knows no escapes, and that is the fault of who sends one', async () => {
  await withClient((client) => client.query("CREATE DATABASE plain ENCODING 'SQL_ASCII' LOCALE 'C' TEMPLATE template0"));
  await withClient((client) => client.query(`CREATE EXTENSION kz; SELECT kz_create_collection('a', 'docs');
    GRANT USAGE ON SCHEMA a TO gateway; GRANT ALL ON a.docs TO gateway`), { database: 'plain' });
  const plain = await Gateway.start({ connections: 2, database: 'dbname=plain user=gateway' });
  const socket = await plain.socket();
  const ask = (a) => socket.ask(`{"controller": "document", "action": "createOrReplace", "index": "a", "collection": "docs", "_id": "x", "body": {"a": "${a}"}}`);
  const sessions = () => withClient(async (client) => (await client.query(
    "SELECT pid FROM pg_stat_activity WHERE datname = 'plain' ORDER BY pid")).rows);

  await until(async () => await plain.metric('database_connections') === 2);
  const before = await sessions();
  const { status, error } = await ask('\\u00fc');
  assert.deepStrictEqual([status, error.id], [400, 'network.websocket.unexpected_error']);
  assert.strictEqual((await ask('\u00fc')).status, 200);
  assert.deepStrictEqual(await sessions(), before);
  assert.doesNotMatch(plain.log, /given up|error 0A000/);
  socket.raw.destroy();
  assert.strictEqual((await plain.stop()).code, 0);
});

test('session: the end', async () => {
  // Sessions that were given up are no outage.
  assert.match(gateway.log, /a session of the database is given up: /);
  assert.strictEqual(gateway.log.match(/connected to the database|no connection/g).length, 1);
  assert.doesNotMatch(gateway.log, /can't be reached/);
  assert.strictEqual((await gateway.stop()).code, 0);
});

run();
