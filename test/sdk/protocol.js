/*
 * The protocol of examples/node itself, and its example.
 */
'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const path = require('node:path');
const { promisify } = require('node:util');
const execFile = promisify(require('node:child_process').execFile);
const {
  EXAMPLE, INDEX, Kuzzle, PostgreSQL, WRITTEN, failure, kuzzle, pg, stored, test, until, withKuzzle,
} = require('./harness');

const { document } = kuzzle;

/* Run a function with a connection of pg. */
async function withClient(body) {
  const client = new pg.Client();

  await client.connect();
  try {
    return await body(client);
  } finally {
    await client.end();
  }
}

/* The error of a call that must fail, and not with a KuzzleError. */
async function brokenBy(call) {
  const error = await call.then((result) => assert.fail(`did not fail: ${JSON.stringify(result)}`), (caught) => caught);

  assert.strictEqual(error.id, undefined);
  return error;
}

const countConnections = (client, name) =>
  client.query('SELECT FROM pg_stat_activity WHERE application_name = $1', [name]).then(({ rowCount }) => rowCount);

test('protocol: pg gets its options', async (c) => {
  await withKuzzle(new PostgreSQL({ application_name: 'two of us', max: 2 }), async (two) => {
    const ids = Array.from({ length: 40 }, (_, i) => `${i}`);

    await Promise.all(ids.map((id) => two.document.create(INDEX, c, {}, id)));
    await until(async () => await withClient((client) => countConnections(client, 'two of us')) >= 2);
    assert.strictEqual(await withClient((client) => countConnections(client, 'two of us')), 2);
  });
  assert.strictEqual(await document.count(INDEX, c), 40);
});

test('protocol: host, port and state', async () => {
  const elsewhere = new PostgreSQL({ connectionString: 'postgres://me@example:1234/taxis' });
  const other = new Kuzzle(new PostgreSQL());

  assert.deepStrictEqual([elsewhere.name, elsewhere.host, elsewhere.port], ['postgresql', 'example', 1234]);
  assert.deepStrictEqual([other.connected, other.protocol.isReady()], [false, false]);
  await other.connect();
  assert.deepStrictEqual([other.connected, other.protocol.isReady()], [true, true]);
  await other.connect();
  await other.protocol.close();
  assert.deepStrictEqual([other.connected, other.protocol.isReady()], [false, false]);
  assert.match((await brokenBy(other.server.now())).message, /not connected/);
});

test('protocol: it connects again, and events come once', async () => {
  const other = new Kuzzle(new PostgreSQL());
  const seen = [];

  other.on('queryError', ({ error }) => seen.push(error.id));
  for (let i = 0; i < 3; i++) {
    await other.connect();
    await failure(other.document.get('nowhere', 'nothing', 'a'));
    await other.protocol.close();
  }
  assert.deepStrictEqual(seen, Array(3).fill('services.storage.unknown_index'));
});

test('protocol: no server', async () => {
  const other = new Kuzzle(new PostgreSQL({ host: '/nonexistent', port: 1 }));
  const seen = [];

  other.on('networkError', (error) => seen.push(error));
  const error = await brokenBy(other.connect());
  assert.match(error.message, /^Unable to connect to PostgreSQL at \/nonexistent:1: /);
  assert.strictEqual(error.cause.code, 'ENOENT');
  assert.deepStrictEqual(seen, [error]);
  assert.strictEqual(other.connected, false);
});

test('protocol: a server without kz', async () => {
  const other = new Kuzzle(new PostgreSQL({ database: 'template1', application_name: 'homeless' }));
  const error = await brokenBy(other.connect());

  assert.strictEqual(error.cause.code, '42883');
  await withClient((client) => until(async () => await countConnections(client, 'homeless') === 0));
});

test('protocol: kz in a schema', async () => {
  const database = 'sdk_schema';

  await withClient((client) => client.query(`CREATE DATABASE ${database}`));
  const pool = new pg.Pool({ database });
  try {
    await pool.query('CREATE SCHEMA "Docu ment"');
    await pool.query('CREATE EXTENSION kz SCHEMA "Docu ment"');
    await withKuzzle(new PostgreSQL({ database }, { schema: 'Docu ment' }), async (other) => {
      assert.deepStrictEqual(await other.index.list(), []);
    });
  } finally {
    await pool.end();
    await withClient((client) => client.query(`DROP DATABASE ${database}`));
  }
});

test('protocol: a pool of several users', async (c) => {
  const pool = new pg.Pool({ max: 1 });

  try {
    for (const kuid of ['ann', 'bob']) {
      await withKuzzle(new PostgreSQL(pool, { kuid }), async (other) => {
        assert.strictEqual(other.host, kuzzle.host);
        await other.document.upsert(INDEX, c, 'a', { [kuid]: true });
      });
    }
    assert.strictEqual((await pool.query('SELECT 1')).rowCount, 1);
  } finally {
    await pool.end();
  }
  const { _source: { _kuzzle_info: info } } = await document.get(INDEX, c, 'a');
  assert.deepStrictEqual([info.author, info.updater], ['ann', 'bob']);
});

test('protocol: no right to write', async (c) => {
  const role = 'sdk_reader';

  await withClient(async (client) => {
    await client.query(`CREATE ROLE ${role} LOGIN`);
    await client.query(`GRANT USAGE ON SCHEMA ${INDEX} TO ${role}`);
    await client.query(`GRANT SELECT ON ${INDEX}."${c}" TO ${role}`);
    await document.create(INDEX, c, { n: 1 }, 'a');
    try {
      await withKuzzle(new PostgreSQL({ user: role }), async (reader) => {
        assert.strictEqual((await reader.document.get(INDEX, c, 'a'))._version, 1);
        const error = await failure(reader.document.update(INDEX, c, 'a', { n: 2 }));

        assert.deepStrictEqual([error.status, error.id, error.code, error.props],
          [403, 'security.rights.forbidden', 0x07030002, [error.message, '42501']]);
        assert.match(error.message, /permission denied/);
        assert.deepStrictEqual([error.controller, error.action, error._id], ['document', 'update', 'a']);
      });
    } finally {
      await client.query(`DROP OWNED BY ${role}`);
      await client.query(`DROP ROLE ${role}`);
    }
  });
});

test('protocol: what jsonb refuses', async (c) => {
  const error = await failure(document.upsert(INDEX, c, 'a', { text: '\u0000' }));

  assert.deepStrictEqual([error.status, error.id, error.code, error.props],
    [400, 'services.storage.unexpected_bad_request', 0x01010021, [error.message, '22P05']]);
});

test('protocol: a constraint of the table', async (c) => {
  const reason = /violates check constraint "small"/;

  await withClient((client) =>
    client.query(`ALTER TABLE ${INDEX}."${c}" ADD CONSTRAINT small CHECK ((_source->>'n')::int < 5)`));
  const error = await failure(document.upsert(INDEX, c, 'a', { n: 5 }));
  assert.deepStrictEqual([error.status, error.id], [400, 'services.storage.unexpected_bad_request']);
  assert.match(error.message, reason);

  const { successes, errors } =
    await document.mUpsert(INDEX, c, [{ _id: 'a', changes: { n: 5 } }, { _id: 'b', changes: { n: 4 } }]);
  assert.deepStrictEqual(successes.map(({ _id }) => _id), ['b']);
  assert.deepStrictEqual(errors.map(({ document: sent, status }) => [sent, status]),
    [[{ _id: 'a', changes: { n: 5 } }, 400]]);
  assert.match(errors[0].reason, reason);
});

test('protocol: a request that takes too long', async (c) => {
  await document.create(INDEX, c, { n: 1 }, 'a');
  await withClient(async (client) => {
    await client.query('BEGIN');
    await client.query('SELECT kz_update($1, $2, $3, $4, kuid => $5)', [INDEX, c, 'a', { n: 2 }, '-1']);
    await withKuzzle(new PostgreSQL({ statement_timeout: 1500 }), async (other) => {
      const error = await failure(other.document.update(INDEX, c, 'a', { n: 3 }));

      assert.deepStrictEqual([error.status, error.id, error.code, error.props],
        [500, 'services.storage.unexpected_error', 0x01010023, [error.message, '57014']]);
    });
    await client.query('COMMIT');
  });
  await stored(c, 'a', 2, { n: 2, _kuzzle_info: WRITTEN });
});

test('protocol: connections that break', async (c) => {
  await document.create(INDEX, c, { n: 1 }, 'a');
  await withClient((client) => withKuzzle(new PostgreSQL({ application_name: 'broken' }), async (other) => {
    const terminate = () => client.query(
      "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE application_name = 'broken'");

    // While it is idle: nobody notices.
    await terminate();
    assert.strictEqual((await other.document.get(INDEX, c, 'a'))._version, 1);

    // During a request: that fails, and the next is answered.
    await client.query('BEGIN');
    await client.query(`LOCK TABLE ${INDEX}."${c}"`);
    const broken = brokenBy(other.document.get(INDEX, c, 'a'));
    await until(async () => (await client.query('SELECT FROM pg_locks WHERE NOT granted')).rowCount > 0);
    await terminate();
    assert.strictEqual((await broken).code, '57P01');
    await client.query('COMMIT');
    assert.strictEqual((await other.document.get(INDEX, c, 'a'))._version, 1);
  }));
});

test('protocol: requests without an answer fail when it closes', async (c) => {
  await withClient(async (client) => {
    const other = new Kuzzle(new PostgreSQL());

    await other.connect();
    await client.query('BEGIN');
    await client.query(`LOCK TABLE ${INDEX}."${c}"`);
    const discarded = brokenBy(other.document.exists(INDEX, c, 'a'));
    const closed = other.protocol.close();
    assert.match((await discarded).message, /no response has been received/);
    await client.query('COMMIT');
    await closed;
  });
});

test('the example prints what its README says', async () => {
  const { stdout } = await execFile(process.execPath, ['example.js'], { cwd: EXAMPLE });
  const [, expected] = fs.readFileSync(path.join(EXAMPLE, 'README.md'), 'utf8').match(/^```text\n(.*?)^```$/ms);

  assert.strictEqual(stdout, expected);
});
