/*
 * Indexes and collections.
 */
'use strict';

const assert = require('node:assert');
const { CREATED, INDEX, WRITTEN, fails, kuzzle, same, stored, test, testEnvelope } = require('./harness');

const { collection, document, index } = kuzzle;
const INFO_MAPPING = {
  properties: {
    author: { type: 'keyword' }, createdAt: { type: 'date' }, updatedAt: { type: 'date' }, updater: { type: 'keyword' },
  },
};
const PROPERTIES = { n: { type: 'integer' }, deep: { properties: { x: { type: 'keyword' } } } };
const BAD_NAMES = [
  'Upper', '_all', 'x'.repeat(127), 'é'.repeat(64), ...Array.from('\\/*?"<>| \t\r\n,+#:.&%', (c) => `a${c}b`),
];

const result = async (controller, action, more) => (await kuzzle.query({ controller, action, ...more })).result;

testEnvelope('index.create, exists and delete', async () => {
  assert.strictEqual(await index.exists('sdk-other'), false);
  assert.strictEqual(await index.create('sdk-other'), undefined);
  assert.strictEqual(await index.exists('sdk-other'), true);
  await fails(index.create('sdk-other'), 'services.storage.index_already_exists', ['public', 'sdk-other']);
  same(await result('index', 'delete', { index: 'sdk-other' }), { acknowledged: true });
  assert.strictEqual(await index.exists('sdk-other'), false);
  await fails(index.delete('sdk-other'), 'services.storage.unknown_index', ['sdk-other']);
  for (const action of ['create', 'exists', 'delete']) {
    await fails(index[action](''), 'api.assert.missing_argument', ['index']);
  }
});

test('index.create: the answer has no result', async () => {
  const answer = await kuzzle.query({ controller: 'index', action: 'create', index: 'sdk-other' });

  assert.strictEqual('result' in answer, false);
  assert.strictEqual(answer.error, null);
  await index.delete('sdk-other');
});

test('index.create and collection.create: names', async () => {
  for (const name of BAD_NAMES) {
    await fails(index.create(name), 'services.storage.invalid_index_name', [name]);
    await fails(collection.create(INDEX, name), 'services.storage.invalid_collection_name', [name]);
  }
  await fails(collection.create(INDEX, '_kuzzle_keep'), 'services.storage.collection_reserved', ['_kuzzle_keep']);
  await fails(collection.create('Upper', '_kuzzle_keep'), 'services.storage.invalid_index_name', ['Upper']);
  for (const name of ['-dash', '_underscore', 'x'.repeat(126), 'ünï✓', 'select', '1', "quote's"]) {
    await index.create(name);
    await collection.create(name, name);
    same(await document.upsert(name, name, 'a', {}), { _id: 'a', _version: 1, created: true });
    await index.delete(name);
  }
});

test('index.list and stats', async (c) => {
  await document.mCreate(INDEX, c, [{ body: {} }, { body: {} }]);
  await index.create('sdk-z');
  await index.create('sdk-a');

  // In the order of creation. One without a collection has no statistics.
  assert.deepStrictEqual(await index.list(), [INDEX, 'sdk-z', 'sdk-a']);
  await collection.create('sdk-a', 'c');

  const { collections: names } = await collection.list(INDEX);
  const counted = await result('index', 'list', { countCollection: true });
  assert.deepStrictEqual(counted,
    { indexes: [INDEX, 'sdk-z', 'sdk-a'], collections: { [INDEX]: names.length, 'sdk-z': 0, 'sdk-a': 1 } });

  const { indexes, size } = await index.stats();
  const sum = (parts) => parts.reduce((total, part) => total + part.size, 0);
  assert.deepStrictEqual(indexes.map(({ name }) => name), [INDEX, 'sdk-a']);
  assert.strictEqual(sum(indexes), size);
  for (const part of indexes) {
    assert.deepStrictEqual(Object.keys(part).sort(), ['collections', 'name', 'size']);
    assert.strictEqual(sum(part.collections), part.size);
  }
  const mine = indexes[0].collections.find(({ name }) => name === c);
  assert.deepStrictEqual({ ...mine, size: null }, { name: c, documentCount: 2, size: null });
  assert.ok(mine.size >= 8192);
  assert.deepStrictEqual(await index.mDelete(['sdk-a', 'nowhere', 'sdk-z']), ['sdk-a', 'sdk-z']);
});

test('index.mDelete', async () => {
  await index.create('sdk-a');
  await collection.create('sdk-b', 'c');
  assert.deepStrictEqual(await index.mDelete(['sdk-b', 'nowhere']), ['sdk-b']);
  assert.deepStrictEqual(await index.mDelete([]), []);
  assert.deepStrictEqual(await index.mDelete(['sdk-b', 'sdk-a', 'sdk-a']), ['sdk-a']);
  await fails(index.mDelete('sdk-a'), 'api.assert.invalid_type', ['body.indexes', 'array']);
});

test('collection.create, exists and delete', async () => {
  assert.strictEqual(await collection.exists('sdk-other', 'c'), false);
  same(await result('collection', 'create', { index: 'sdk-other', collection: 'c' }), { acknowledged: true });
  assert.strictEqual(await index.exists('sdk-other'), true);
  assert.strictEqual(await collection.exists('sdk-other', 'c'), true);
  same(await collection.getMapping('sdk-other', 'c'), { dynamic: 'false', properties: {} });
  assert.strictEqual(await result('collection', 'delete', { index: 'sdk-other', collection: 'c' }), null);
  assert.strictEqual(await collection.exists('sdk-other', 'c'), false);
  assert.strictEqual(await index.exists('sdk-other'), true);
  await fails(collection.delete('sdk-other', 'c'), 'services.storage.unknown_collection', ['sdk-other', 'c']);
  await index.delete('sdk-other');
  await fails(collection.delete('sdk-other', 'c'), 'services.storage.unknown_index', ['sdk-other']);
});

test('collection.create with mappings, and again', async (c) => {
  await collection.delete(INDEX, c);
  await collection.create(INDEX, c, { mappings: { dynamic: 'strict', _meta: { by: 'us' }, properties: PROPERTIES } });
  same(await collection.getMapping(INDEX, c), { dynamic: 'strict', _meta: { by: 'us' }, properties: PROPERTIES });
  same(await collection.getMapping(INDEX, c, { includeKuzzleMeta: true }),
    { dynamic: 'strict', _meta: { by: 'us' }, properties: { ...PROPERTIES, _kuzzle_info: INFO_MAPPING } });

  // What exists is updated. Mappings may be the body themselves.
  await collection.create(INDEX, c, { dynamic: true, properties: { m: { type: 'text' } } });
  same(await collection.getMapping(INDEX, c),
    { dynamic: 'true', _meta: { by: 'us' }, properties: { ...PROPERTIES, m: { type: 'text' } } });
});

testEnvelope('collection.update and updateMapping', async (c) => {
  await collection.update(INDEX, c, { mappings: { _meta: { version: 1 }, properties: PROPERTIES } });
  same(await collection.getMapping(INDEX, c), { dynamic: 'false', _meta: { version: 1 }, properties: PROPERTIES });
  assert.strictEqual(
    await result('collection', 'update', { index: INDEX, collection: c, body: { settings: {} } }), null);
  same(await collection.updateMapping(INDEX, c, { dynamic: 'strict', _meta: {}, properties: { m: { type: 'text' } } }), {
    dynamic: 'strict', _meta: {}, properties: { ...PROPERTIES, m: { type: 'text' }, _kuzzle_info: INFO_MAPPING },
  });
  for (const action of ['update', 'updateMapping', 'getMapping', 'refresh', 'truncate', 'delete']) {
    await fails(collection[action]('nowhere', 'nothing', {}), 'services.storage.unknown_index', ['nowhere']);
    await fails(collection[action](INDEX, 'nothing', {}), 'services.storage.unknown_collection', [INDEX, 'nothing']);
    await fails(collection[action]('', 'nothing', {}), 'api.assert.missing_argument', ['index']);
    await fails(collection[action](INDEX, '', {}), 'api.assert.missing_argument', ['collection']);
  }
});

test('strict mappings refuse unknown fields', async (c) => {
  const refused = (field, where) => ({
    reason: `mapping set to strict, dynamic introduction of [${field}] within [${where}] is not allowed`, status: 400,
  });
  const strict = (field) => ['services.storage.strict_mapping_rejection', [field, INDEX, c]];

  await collection.update(INDEX, c, { mappings: { dynamic: 'strict', properties: PROPERTIES } });
  await fails(document.create(INDEX, c, { n: 1, m: 1 }, 'a'), ...strict('m'));
  await fails(document.create(INDEX, c, { deep: { y: null } }, 'a'), ...strict('y'));
  await fails(document.upsert(INDEX, c, 'a', {}, { default: { m: [] } }), ...strict('m'));
  await document.upsert(INDEX, c, 'a', { n: 1, deep: { x: 'x' } });
  await fails(document.upsert(INDEX, c, 'a', { deep: { y: 1 } }), ...strict('y'));
  await fails(document.update(INDEX, c, 'a', { m: 1 }), ...strict('m'));
  await fails(document.replace(INDEX, c, 'a', { m: 1 }), ...strict('m'));
  await fails(document.createOrReplace(INDEX, c, 'a', { m: 1 }), ...strict('m'));
  await stored(c, 'a', 1, { n: 1, deep: { x: 'x' }, _kuzzle_info: CREATED });

  const documents = [
    { _id: 'a', changes: { deep: { y: 1 } } },
    { _id: 'b', changes: {}, default: { m: 1 } },
    { _id: 'a', changes: { n: 2 } },
  ];
  same(await document.mUpsert(INDEX, c, documents), {
    successes: [{
      _id: 'a', _version: 2, created: false, status: 200, _source: { n: 2, deep: { x: 'x' }, _kuzzle_info: WRITTEN },
    }],
    errors: [
      { document: documents[0], ...refused('y', 'deep') }, { document: documents[1], ...refused('m', '_doc') },
    ],
  });
});

test('collection.list', async (c) => {
  for (const name of ['z', 'b', 'a']) {
    await collection.create('sdk-other', name);
  }
  const listed = (...names) => names.map((name) => ({ name, type: 'stored' }));

  same(await collection.list('sdk-other'), { type: 'all', collections: listed('a', 'b', 'z') });
  same(await collection.list('sdk-other', { from: 1 }), { type: 'all', collections: listed('b', 'z'), from: 1 });
  same(await collection.list('sdk-other', { size: 2 }), { type: 'all', collections: listed('a', 'b'), size: 2 });
  same(await collection.list('sdk-other', { from: 2, size: 2 }),
    { type: 'all', collections: listed('z'), from: 2, size: 2 });
  same(await collection.list('sdk-other', { type: 'stored' }), { type: 'stored', collections: listed('a', 'b', 'z') });
  same(await collection.list('sdk-other', { type: 'realtime' }), { type: 'realtime', collections: [] });
  await fails(collection.list('nowhere'), 'services.storage.unknown_index', ['nowhere']);
  await index.delete('sdk-other');
});

test('collection.refresh and truncate', async (c) => {
  const named = { index: INDEX, collection: c };

  await collection.update(INDEX, c, { mappings: { dynamic: 'strict', _meta: { a: 1 }, properties: PROPERTIES } });
  await document.mCreate(INDEX, c, [{ body: { n: 1 } }, { body: { n: 2 } }]);
  assert.strictEqual(await result('collection', 'refresh', named), null);
  same(await result('collection', 'truncate', named), { acknowledged: true });
  assert.strictEqual(await document.count(INDEX, c), 0);
  same(await collection.getMapping(INDEX, c), { dynamic: 'strict', _meta: { a: 1 }, properties: PROPERTIES });
});
