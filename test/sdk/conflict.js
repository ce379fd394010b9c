/*
 * Clients at the same time. That "retryOnConflict" does something is seen while
 * another transaction, which has written the same document, is still open.
 */
'use strict';

const assert = require('node:assert');
const { CREATED, INDEX, WRITTEN, failure, kuzzle, pg, stored, test, until } = require('./harness');

const { document } = kuzzle;
const FIRST = { by: 'first' };

/*
 * Have another transaction update a document; make a call; when that waits for
 * the transaction, commit it. Settles as the call does.
 */
async function meanwhile(collection, id, call) {
  const other = new pg.Client();

  await other.connect();
  try {
    await other.query('BEGIN');
    await other.query('SELECT kz_update($1, $2, $3, $4)', [INDEX, collection, id, FIRST]);

    const outcome = call().then((result) => ({ result }), (error) => ({ error }));

    await until(async () => (await other.query(
      'SELECT FROM pg_stat_activity WHERE pg_backend_pid() = ANY (pg_blocking_pids(pid))')).rowCount === 1);
    await other.query('COMMIT');

    const { result, error } = await outcome;

    if (error) {
      throw error;
    }
    return result;
  } finally {
    await other.end();
  }
}

test('conflict: update and upsert of one document retry', async (c) => {
  for (const action of ['update', 'upsert']) {
    for (const [i, options] of [{}, { retryOnConflict: 1 }, { retryOnConflict: '1' }].entries()) {
      const id = `${action}-${i}`;

      await document.create(INDEX, c, { n: 0 }, id);
      const { _version } = await meanwhile(c, id, () => document[action](INDEX, c, id, { n: 1 }, options));
      assert.strictEqual(_version, 3);
      await stored(c, id, 3, { n: 1, ...FIRST, _kuzzle_info: WRITTEN });
    }
  }
});

test('conflict: without retries left, the call fails', async (c) => {
  for (const action of ['update', 'upsert']) {
    await document.create(INDEX, c, { n: 0 }, action);
    const error = await failure(
      meanwhile(c, action, () => document[action](INDEX, c, action, { n: 1 }, { retryOnConflict: 0 })));

    assert.deepStrictEqual([error.status, error.id], [409, 'services.storage.version_conflict']);
    await stored(c, action, 2, { n: 0, ...FIRST, _kuzzle_info: CREATED });
  }
});

test('conflict: mUpdate and mUpsert do not retry unless told so', async (c) => {
  for (const [action, content] of [['mUpdate', 'body'], ['mUpsert', 'changes']]) {
    const [quick, patient] = [`${action}-quick`, `${action}-patient`];
    const entries = (id) => [{ _id: id, [content]: { n: 1 } }, { _id: `${id}-other`, [content]: { n: 1 } }];

    for (const id of [quick, patient]) {
      await document.mCreate(INDEX, c, [{ _id: id, body: { n: 0 } }, { _id: `${id}-other`, body: { n: 0 } }]);
    }
    const { successes, errors } = await meanwhile(c, quick, () => document[action](INDEX, c, entries(quick)));

    assert.deepStrictEqual(successes.map(({ _id, _version, status }) => [_id, _version, status]),
      [[`${quick}-other`, 2, 200]]);
    assert.deepStrictEqual(errors.map(({ document: sent, status }) => [sent, status]), [[entries(quick)[0], 409]]);
    await stored(c, quick, 2, { n: 0, ...FIRST, _kuzzle_info: CREATED });

    const answer = await meanwhile(c, patient, () => document[action](INDEX, c, entries(patient), { retryOnConflict: 3 }));

    assert.deepStrictEqual(answer.errors, []);
    assert.deepStrictEqual(answer.successes.map(({ _id, _version }) => [_id, _version]),
      [[patient, 3], [`${patient}-other`, 2]]);
    await stored(c, patient, 3, { n: 1, ...FIRST, _kuzzle_info: WRITTEN });
  }
});

test('conflict: nothing is lost when many clients upsert one document', async (c) => {
  const names = Array.from({ length: 60 }, (_, i) => `field${i}`);
  const answers = await Promise.all(names.map((name, i) =>
    document.upsert(INDEX, c, 'a', { [name]: i }, { default: { first: name } })));
  const { _version, _source: { _kuzzle_info: info, first, ...fields } } = await document.get(INDEX, c, 'a');

  assert.strictEqual(_version, 60);
  assert.deepStrictEqual(answers.map((answer) => answer._version).sort((a, b) => a - b), names.map((_, i) => i + 1));
  assert.deepStrictEqual(answers.filter(({ created }) => created).map((answer) => answer._version), [1]);
  assert.strictEqual(first, names[answers.findIndex(({ created }) => created)]);
  assert.deepStrictEqual(fields, Object.fromEntries(names.map((name, i) => [name, i])));
  assert.strictEqual(info.author, '-1');
});
