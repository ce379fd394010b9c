/*
 * The bulk controller.
 */
'use strict';

const assert = require('node:assert');
const { INDEX, WRITTEN, failure, fails, kuzzle, same, stored, test } = require('./harness');

const { bulk, document } = kuzzle;
const MINE = { author: 'me', updater: null };

test('bulk.import', async (c) => {
  same(await bulk.import(INDEX, c, [
    { create: { _id: 'a' } }, { n: 1 },
    { create: { _id: 'a' } }, { n: 2 },
    { update: { _id: 'a' } }, { doc: { m: 1 } },
    { update: { _id: 'z' } }, { doc: { m: 1 } },
    { update: { _id: 'b' } }, { doc: { m: 1 }, doc_as_upsert: true },
    { update: { _id: 'c' } }, { doc: { m: 1 }, upsert: { n: 3 } },
    { delete: { _id: 'c' } },
    { delete: { _id: 'y' } },
  ]), {
    successes: [
      { create: { _id: 'a', status: 201 } }, { update: { _id: 'a', status: 200 } },
      { update: { _id: 'b', status: 201 } }, { update: { _id: 'c', status: 201 } },
      { delete: { _id: 'c', status: 200 } },
    ],
    errors: [
      { create: {
        _id: 'a', status: 409, _source: { n: 2 },
        error: { type: 'version_conflict_engine_exception', reason: 'document already exists' },
      } },
      { update: {
        _id: 'z', status: 404, _source: { m: 1 },
        error: { type: 'document_missing_exception', reason: 'document not found' },
      } },
      { delete: { _id: 'y', status: 404 } },
    ],
  });
  await stored(c, 'a', 2, { n: 1, m: 1, _kuzzle_info: WRITTEN });
  await stored(c, 'b', 1, { m: 1, _kuzzle_info: { updatedAt: 'now', updater: '-1' } });
  assert.strictEqual(await document.exists(INDEX, c, 'c'), false);
});

test('bulk.import: index replaces, and needs no id', async (c) => {
  const { successes, errors } = await bulk.import(INDEX, c, [
    { index: { _id: 'a', _index: 'elsewhere' } }, { n: 1 }, { index: { _id: 'a' } }, { m: 1 }, { index: {} }, {},
  ]);
  const id = successes[2].index._id;

  assert.deepStrictEqual(errors, []);
  assert.match(id, /^[-\w]{20}$/);
  assert.deepStrictEqual(successes.map((success) => success.index),
    [{ _id: 'a', status: 201 }, { _id: 'a', status: 200 }, { _id: id, status: 201 }]);
  const { _source: { _kuzzle_info: info, ...rest }, _version } = await document.get(INDEX, c, 'a');
  assert.deepStrictEqual({ rest, _version, author: info.author }, { rest: { m: 1 }, _version: 2, author: '-1' });
});

test('bulk.import: more than 200 are no matter', async (c) => {
  const lines = Array.from({ length: 500 }, (_, i) => [{ create: { _id: `${i}` } }, { i }]).flat();
  const { successes, errors } = await bulk.import(INDEX, c, lines);

  assert.deepStrictEqual([successes.length, errors], [500, []]);
  assert.strictEqual(await document.count(INDEX, c), 500);
});

test('bulk.import: strict, and what it needs', async (c) => {
  await fails(bulk.import(INDEX, c, [{ delete: { _id: 'a' } }, { create: { _id: 'b' } }, {}], { strict: true }),
    'api.process.incomplete_multiple_request', ['import'], { errors: [{ delete: { _id: 'a', status: 404 } }], count: 1 });
  assert.strictEqual(await document.count(INDEX, c), 1);
  await fails(bulk.import(INDEX, c, [{ update: { _id: 'a' } }, { script: 'x' }]),
    'services.storage.invalid_query_keyword', ['script']);
  for (const lines of [[{ create: { _id: 'a' } }], [{ upsert: { _id: 'a' } }, {}], [{}], [7], [{ delete: {} }]]) {
    const error = await failure(bulk.import(INDEX, c, lines));

    assert.deepStrictEqual([error.id, error.status], ['services.storage.unexpected_bad_request', 400]);
  }
  await fails(bulk.import(INDEX, c, {}), 'api.assert.invalid_type', ['body.bulkData', 'array']);
  await fails(bulk.import(INDEX, c, undefined), 'api.assert.missing_argument', ['body.bulkData']);
  await fails(bulk.import(INDEX, 'nothing', [{ delete: { _id: 'a' } }]),
    'services.storage.unknown_collection', [INDEX, 'nothing']);
  assert.strictEqual(await document.count(INDEX, c), 1);
});

test('bulk.write writes what it is given', async (c) => {
  same(await bulk.write(INDEX, c, { n: 1 }, 'a'), { _id: 'a', _version: 1, _source: { n: 1 } });
  same(await bulk.write(INDEX, c, { m: 1, _kuzzle_info: MINE }, 'a', { notify: true }),
    { _id: 'a', _version: 2, _source: { m: 1, _kuzzle_info: MINE } });
  await stored(c, 'a', 2, { m: 1, _kuzzle_info: MINE });
  const { _id, ...rest } = await bulk.write(INDEX, c, {});
  assert.match(_id, /^[-\w]{20}$/);
  assert.deepStrictEqual(rest, { _version: 1, _source: {} });
  await fails(bulk.write(INDEX, c, null, 'a'), 'api.assert.body_required');
  await fails(bulk.write(INDEX, 'nothing', {}, 'a'), 'services.storage.unknown_collection', [INDEX, 'nothing']);
});

test('bulk.mWrite', async (c) => {
  const wrong = { _id: 'b', body: 7 };
  const errors = [{ document: wrong, reason: 'document body must be an object', status: 400 }];

  same(await bulk.mWrite(INDEX, c, [
    { _id: 'a', body: { n: 1, _kuzzle_info: MINE } }, wrong, { _id: 'a', body: { m: 1 } },
  ]), {
    successes: [
      { _id: 'a', _version: 1, _source: { n: 1, _kuzzle_info: MINE } }, { _id: 'a', _version: 2, _source: { m: 1 } },
    ],
    errors,
  });
  await fails(bulk.mWrite(INDEX, c, [{ _id: 'a', body: {} }, wrong], { strict: true }),
    'api.process.incomplete_multiple_request', ['write'], { errors, count: 1 });
  await stored(c, 'a', 3, {});
  const many = Array.from({ length: 300 }, (_, i) => ({ _id: `${i}`, body: {} }));
  assert.strictEqual((await bulk.mWrite(INDEX, c, many)).successes.length, 300);
});
