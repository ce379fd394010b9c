/*
 * What a server says to a login, and what the gateway makes of it: on a server that asks
 * for passwords, whose directory is in KZ_CLUSTER, and on one that says what we like.
 */
'use strict';

const fs = require('node:fs');
const net = require('node:net');
const path = require('node:path');
const { Gateway, assert, crypto, listening, pg, run, startCluster, test, until, withClient } = require('./harness');

const { KZ_CLUSTER: dir } = process.env;
const SECRET = path.join(dir, 'login-secret');
const login = (to, username, password) => to.post('/_login/local', { username, password });
const milvus = (to, user, password) => to.post('/v2/vectordb/collections/list', {}, { Authorization: `Bearer ${user}:${password}` });

let gateway;

/* Status and id of the error of a login. */
async function outcome(username, password, to = gateway) {
  const { status, json } = await login(to, username, password);

  return status === 200 ? [200] : [status, json.error.id];
}

const GOOD = [200];
const WRONG = [401, 'plugin.strategy.missing_user'];
const FORBIDDEN = [403, 'security.rights.forbidden'];
const IMPOSSIBLE = [503, 'services.storage.not_connected'];

test('login: a server, and a gateway', async () => {
  await startCluster();
  fs.writeFileSync(SECRET, crypto.randomBytes(48).toString('base64'));
  await withClient(async (client) => {
    const { rows: [{ there }] } = await client.query("SELECT count(*) > 0 AS there FROM pg_roles WHERE rolname = 'gateway'");

    await client.query(`CREATE EXTENSION IF NOT EXISTS kz; ${there ? '' : 'CREATE ROLE gateway LOGIN NOINHERIT;'}
      CREATE ROLE anna LOGIN PASSWORD 'anna'; CREATE ROLE limited LOGIN PASSWORD 'limited' CONNECTION LIMIT 0;
      CREATE ROLE gone NOLOGIN PASSWORD 'gone'; CREATE ROLE late LOGIN PASSWORD 'late' VALID UNTIL '2020-01-01';
      CREATE ROLE unlisted LOGIN PASSWORD 'unlisted'; CREATE ROLE peer LOGIN PASSWORD 'peer'; CREATE ROLE rejected LOGIN PASSWORD 'rejected';
      GRANT anna TO gateway`);
  });
  gateway = await Gateway.start({ 'jwt-key': SECRET, database: 'user=gateway', connections: 2, 'metrics-listen': 'off' });
});

test('login: a role may not, or a password is wrong', async () => {
  assert.deepStrictEqual(await outcome('anna', 'anna'), GOOD);
  for (const [user, password] of [['anna', 'x'], ['nobody', 'x'], ['limited', 'x'], ['gone', 'x'], ['gone', 'gone'], ['late', 'late'],
    ['anna\n', 'anna'], ['x'.repeat(64), 'x'], ['x'.repeat(20000), 'x'], ['anna', 'x'.repeat(70000)]]) {
    assert.deepStrictEqual(await outcome(user, password), WRONG, user);
  }
});

test('login: a role has as many connections as it may', async () => {
  const before = gateway.log.length;

  const { status, json: { error } } = await login(gateway, 'limited', 'limited');
  // A number that no error of the extension has.
  assert.deepStrictEqual([status, error.id, error.code], [...IMPOSSIBLE, 0x01010090]);
  assert.strictEqual((await milvus(gateway, 'limited', 'limited')).status, 503);
  await until(() => gateway.log.slice(before).match(/"no login: [^\n]*53300: too many connections for role \\"limited\\""/g)?.length === 2);
});

test('login: how long a password is remembered', async () => {
  const list = (to, password) => to.post('/v2/vectordb/databases/list', {}, { Authorization: `Bearer anna:${password}` });
  const options = { 'jwt-key': SECRET, database: 'user=gateway', connections: 1 };
  const remembers = await Gateway.start(options);
  const forgets = await Gateway.start({ ...options, 'remember-passwords': 0 });
  const shortly = await Gateway.start({ ...options, 'remember-passwords': 1 });
  const statuses = async (to, password, n = 1) => {
    const answers = [];

    for (let i = 0; i < n; i++) {
      answers.push((await list(to, password)).status);
    }
    return answers;
  };

  await withClient(async (client) => {
    assert.deepStrictEqual(await statuses(remembers, 'anna', 3), [200, 200, 200]);
    assert.strictEqual(await remembers.metric('logins_total'), 1);
    assert.deepStrictEqual(await statuses(forgets, 'anna', 3), [200, 200, 200]);
    assert.strictEqual(await forgets.metric('logins_total'), 3);
    assert.deepStrictEqual(await statuses(shortly, 'anna'), [200]);

    // What the role says counts at once.
    for (const [no, yes] of [['ALTER ROLE anna NOLOGIN', 'ALTER ROLE anna LOGIN'], ["ALTER ROLE anna VALID UNTIL '2020-01-01'", "ALTER ROLE anna VALID UNTIL 'infinity'"]]) {
      assert.deepStrictEqual(await statuses(remembers, 'anna'), [200]);
      await client.query(no);
      assert.deepStrictEqual(await statuses(remembers, 'anna', 2), [401, 401], no);
      await client.query(yes);
      assert.deepStrictEqual(await statuses(remembers, 'anna'), [200], yes);
    }
    await client.query('REVOKE anna FROM gateway');
    assert.deepStrictEqual(await statuses(remembers, 'anna', 3), [401, 403, 403]);
    await client.query('GRANT anna TO gateway');
    assert.deepStrictEqual(await statuses(remembers, 'anna'), [200]);

    // A new password makes the old one end after the time, or when somebody logs in with it.
    await client.query("ALTER ROLE anna PASSWORD 'new'");
    assert.deepStrictEqual([await statuses(forgets, 'anna'), await statuses(forgets, 'new')], [[401], [200]]);
    await until(async () => (await list(shortly, 'anna')).status === 401);
    assert.deepStrictEqual([await statuses(remembers, 'anna'), await statuses(remembers, 'new'), await statuses(remembers, 'wrong')], [[200], [200], [401]]);
    assert.deepStrictEqual(await outcome('anna', 'anna', remembers), WRONG);
    assert.deepStrictEqual([await statuses(remembers, 'anna'), await statuses(remembers, 'new')], [[401], [200]]);
    await client.query("ALTER ROLE anna PASSWORD 'anna'");
  });
  for (const to of [remembers, forgets, shortly]) {
    assert.strictEqual((await to.stop()).code, 0);
  }
});

test('login: ordinary connections are used up', async () => {
  const clients = [];

  try {
    // Connections of before may still be about to end.
    await until(async () => {
      for (let full = false; !full;) {
        const client = new pg.Client({ user: 'gateway' });

        client.on('error', () => {});
        await client.connect().then(() => clients.push(client), ({ code }) => { full = code === '53300'; });
      }
      return (await login(gateway, 'anna', 'anna')).status !== 200;
    });
    assert.deepStrictEqual(await outcome('anna', 'anna'), IMPOSSIBLE);
    // Nobody remembers this one's password.
    assert.strictEqual((await milvus(gateway, 'unlisted', 'unlisted')).status, 503);
    await until(() => /"no login: [^\n]*53300: remaining connection slots are reserved/.test(gateway.log));
  } finally {
    await Promise.all(clients.map((client) => client.end()));
  }
  await until(async () => (await login(gateway, 'anna', 'anna')).status === 200);
});

test('login: a database may not be connected to, or is full', async () => {
  await withClient(async (client) => {
    await client.query('CREATE DATABASE closed');
    await client.query('REVOKE CONNECT ON DATABASE closed FROM PUBLIC; GRANT CONNECT ON DATABASE closed TO gateway');
    const closed = await Gateway.start({ 'jwt-key': SECRET, database: 'dbname=closed user=gateway', 'metrics-listen': 'off' }, { connected: false });

    assert.deepStrictEqual(await outcome('anna', 'anna', closed), FORBIDDEN);
    assert.deepStrictEqual(await outcome('anna', 'x', closed), WRONG);
    const { status, json } = await milvus(closed, 'anna', 'anna');
    assert.deepStrictEqual([status, json], [403, { code: 1401, message: 'this role may not connect to the database' }]);
    await client.query('GRANT CONNECT ON DATABASE closed TO anna; ALTER DATABASE closed CONNECTION LIMIT 0');
    assert.deepStrictEqual(await outcome('anna', 'anna', closed), IMPOSSIBLE);
    await client.query('ALTER DATABASE closed ALLOW_CONNECTIONS false');
    assert.deepStrictEqual(await outcome('anna', 'anna', closed), IMPOSSIBLE);
    assert.strictEqual((await closed.stop()).code, 0);
    await client.query('DROP DATABASE closed');
  });
});

/* Give the server another pg_hba.conf, and wait until it has read it. */
async function configure(lines) {
  await withClient(async (client) => {
    const { rows: [{ file }] } = await client.query("SELECT current_setting('hba_file') AS file");
    const text = lines.map((line) => `('${line}')`).join(', ');

    await client.query(`COPY (SELECT * FROM (VALUES ${text}) AS lines) TO '${file}'`);
    await client.query('SELECT pg_sleep(0.01)');
    const { rows: [{ asked }] } = await client.query('SELECT clock_timestamp()::text AS asked, pg_reload_conf()');

    await until(() => withClient(async (fresh) => {
      const { rows } = await fresh.query('SELECT pg_conf_load_time() >= $1::timestamptz AS loaded', [asked]);

      return rows[0].loaded;
    }));
  });
}

test('login: roles that are not asked for their password', async () => {
  const begin = ['local all postgres,gateway,trusted trust'];

  try {
    await configure([...begin, 'local all nobody trust', 'local all peer peer', 'local all rejected reject', 'local all anna scram-sha-256']);
    const answers = await Promise.all([['unlisted', 'unlisted'], ['unlisted', 'x'], ['zed', 'zed'], ['nobody', 'x'], ['peer', 'peer'], ['rejected', 'rejected']]
      .map(async ([user, password]) => {
        const { status, json: { error } } = await login(gateway, user, password);

        return JSON.stringify([status, error]);
      }));

    // Nobody learns which roles there are.
    assert.strictEqual(new Set(answers).size, 1, answers.join('\n'));
    assert.deepStrictEqual(await outcome('zed', 'zed'), WRONG);
    assert.deepStrictEqual(await outcome('anna', 'anna'), GOOD);
    assert.strictEqual((await milvus(gateway, 'zed', 'zed')).status, 401);
    // Who looks after the server does.
    await until(() => /"no login: [^\n]*28000: no pg_hba.conf entry for host [^\n]*zed/.test(gateway.log));
    await until(() => /"no login: [^\n]*28000: Peer authentication failed/.test(gateway.log));
  } finally {
    await configure([...begin, 'local all all scram-sha-256']);
  }
});

/** A message of the server's: a letter, its length, and what is in it. */
function message(type, ...parts) {
  const body = Buffer.concat(parts.map((part) => (typeof part === 'number' ? Buffer.from([0, 0, 0, part]) : Buffer.from(`${part}\0`))));
  const head = Buffer.alloc(5);

  head.write(type);
  head.writeInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}

const refuse = (severity, sqlstate, text, ...more) =>
  message('E', `S${severity}`, 'VFATAL', `C${sqlstate}`, `M${text}`, ...more, 'Fauth.c', 'L335', 'Rauth_failed', '');

/** A server that asks for a password, if it is to, and then says these bytes. */
function startServer(asks, bytes) {
  return listening(net.createServer((client) => {
    let asked = false;

    client.on('error', () => {}).on('data', () => {
      if (asks && !asked) {
        client.write(message('R', 3));
        asked = true;
      } else {
        client.end(bytes);
      }
    });
  }));
}

test('login: what servers of all kinds say', async () => {
  const forged = 'password authentication failed for user "x: FATAL:  53300: y"';

  for (const [what, asks, bytes, expected] of [
    ['a wrong password', true, refuse('FATAL', '28P01', 'password authentication failed for user "anna"'), WRONG],
    ['another language', true, refuse('ВАЖНО', '28P01', 'пользователь не прошёл проверку подлинности'), WRONG],
    ['a name that looks like an answer', true, refuse('FATAL', '28P01', forged, `D${forged}`, 'Hsee:  57P03: there'), WRONG],
    ['no line for the role', false, refuse('FATAL', '28000', 'no pg_hba.conf entry for host "[local]", user "anna", database "x", no encryption'), WRONG],
    ['reserved connections of 16', true, refuse('FATAL', '53300', 'remaining connection slots are reserved for roles with privileges of the "pg_use_reserved_connections" role'), IMPOSSIBLE],
    ['reserved connections of 17', true, refuse('FATAL', '53300', 'remaining connection slots are reserved for roles with the SUPERUSER attribute'), IMPOSSIBLE],
    ['a start', false, refuse('FATAL', '57P03', 'the database system is not yet accepting connections', 'DConsistent recovery state has not been yet reached.'), IMPOSSIBLE],
    ['a shutdown', true, refuse('FATAL', '57P01', 'terminating connection due to administrator command'), IMPOSSIBLE],
    ['no memory', true, refuse('FATAL', '53200', 'out of memory'), IMPOSSIBLE],
    ['no database', true, refuse('FATAL', '3D000', 'database "x" does not exist'), IMPOSSIBLE],
    ['no right', true, refuse('FATAL', '42501', 'permission denied for database "x"', 'DUser does not have CONNECT privilege.'), FORBIDDEN],
    ['nothing, having asked', true, '', IMPOSSIBLE],
    ['nothing at all', false, '', IMPOSSIBLE],
    ['nonsense', true, 'E nonsense', IMPOSSIBLE],
    ['a good password', true, Buffer.concat([message('R', 0), message('Z').subarray(0, 1), Buffer.from([0, 0, 0, 5, 0x49])]), GOOD],
    ['nothing about the password', false, Buffer.concat([message('R', 0), message('Z').subarray(0, 1), Buffer.from([0, 0, 0, 5, 0x49])]), WRONG],
  ]) {
    const server = await startServer(asks, bytes);
    const database = `host=127.0.0.1 port=${server.address().port} sslmode=disable gssencmode=disable`;
    const to = await Gateway.start({ 'jwt-key': SECRET, database, connections: 1, 'metrics-listen': 'off' }, { connected: false });

    assert.deepStrictEqual(await outcome('anna', 'secret', to), expected, what);
    server.close();
    const { code, log } = await to.stop();
    assert.strictEqual(code, 0);
    assert.strictEqual(/no login: /.test(log), expected === IMPOSSIBLE || (expected === WRONG && !asks), `${what}: ${log}`);
    assert.doesNotMatch(log, /secret/);
  }
});

test('login: of several hosts the last one that was tried counts', async () => {
  const starts = await startServer(false, refuse('FATAL', '57P03', 'the database system is starting up'));
  const full = await startServer(true, refuse('FATAL', '53300', 'sorry, too many clients already'));
  const wrong = await startServer(true, refuse('FATAL', '28P01', 'password authentication failed'));
  const port = (server) => server.address().port;

  for (const [ports, expected] of [[[port(starts), port(full)], IMPOSSIBLE], [[port(starts), port(wrong)], WRONG]]) {
    const database = `host=127.0.0.1,127.0.0.1 port=${ports} sslmode=disable gssencmode=disable`;
    const to = await Gateway.start({ 'jwt-key': SECRET, database, connections: 1, 'metrics-listen': 'off' }, { connected: false });

    assert.deepStrictEqual(await outcome('anna', 'secret', to), expected);
    assert.strictEqual((await to.stop()).code, 0);
  }
  [starts, full, wrong].forEach((server) => server.close());
});

run();
