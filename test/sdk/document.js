/*
 * Actions for one document.
 */
'use strict';

const assert = require('node:assert');
const {
  CREATED, INDEX, WRITTEN, fails, kuzzle, pick, same, stored, test, testEnvelope, withUser,
} = require('./harness');

const { document } = kuzzle;
const OTHER_INFO = { author: 'me', createdAt: 1, updatedAt: 2, updater: 'me' };

/* Options that every action that writes one document understands. */
const ACCEPTED = [
  { silent: true }, { silent: false }, { refresh: 'wait_for' }, { refresh: 'false' }, { queuable: false },
];
const REFUSED = [
  [{ silent: 'yes' }, 'api.assert.invalid_type', ['silent', 'boolean']],
  [{ refresh: true }, 'api.assert.invalid_type', ['refresh', 'string']],
  [{ refresh: 'true' }, 'services.storage.invalid_argument', ['refresh', '"wait_for", false']],
];
const SOURCE_REFUSED = [{ source: 'yes' }, 'api.assert.invalid_type', ['source', 'boolean']];

/*
 * Try a call with all options: it is given one that is good, or one that is bad.
 */
async function tryOptions(call, accepted, refused) {
  for (const options of accepted) {
    await call(options);
  }
  for (const [options, id, props] of refused) {
    await fails(call(options), id, props);
  }
}

/*
 * See that a call fails where there is no such index or collection.
 */
async function needsCollection(call) {
  await fails(call('nowhere', 'nothing'), 'services.storage.unknown_index', ['nowhere']);
  await fails(call(INDEX, 'nothing'), 'services.storage.unknown_collection', [INDEX, 'nothing']);
  await fails(call(undefined, 'nothing'), 'api.assert.missing_argument', ['index']);
  await fails(call(INDEX, ''), 'api.assert.missing_argument', ['collection']);
}

/*
 * See that a call fails without an id, or with one that is no string.
 */
async function needsId(call) {
  await fails(call(undefined), 'api.assert.missing_argument', ['_id']);
  await fails(call(''), 'api.assert.missing_argument', ['_id']);
  await fails(call(7), 'api.assert.invalid_type', ['_id', 'string']);
}

test('upsert creates, then updates', async (c) => {
  same(await document.upsert(INDEX, c, 'a', { n: 1 }), { _id: 'a', _version: 1, created: true });
  await stored(c, 'a', 1, { n: 1, _kuzzle_info: CREATED });
  same(await document.upsert(INDEX, c, 'a', { m: 2 }), { _id: 'a', _version: 2, created: false });
  await stored(c, 'a', 2, { n: 1, m: 2, _kuzzle_info: WRITTEN });
});

test('upsert with source answers with the whole document', async (c) => {
  same(await document.upsert(INDEX, c, 'a', { n: 1, deep: { x: 1 } }, { source: true }),
    { _id: 'a', _version: 1, created: true, _source: { n: 1, deep: { x: 1 }, _kuzzle_info: CREATED } });
  same(await document.upsert(INDEX, c, 'a', { deep: { y: 2 } }, { source: true }),
    { _id: 'a', _version: 2, created: false, _source: { n: 1, deep: { x: 1, y: 2 }, _kuzzle_info: WRITTEN } });
  same(await document.upsert(INDEX, c, 'a', { n: 2 }, { source: false }), { _id: 'a', _version: 3, created: false });
});

test('upsert adds the default only on creation, under the changes', async (c) => {
  const options = { default: { n: 0, status: 'open', fare: { currency: 'USD', total: 0 } }, source: true };

  same(await document.upsert(INDEX, c, 'a', { n: 1, fare: { total: 12.5 } }, options), {
    _id: 'a', _version: 1, created: true,
    _source: { n: 1, status: 'open', fare: { currency: 'USD', total: 12.5 }, _kuzzle_info: CREATED },
  });
  await document.deleteFields(INDEX, c, 'a', ['status']);
  same(await document.upsert(INDEX, c, 'a', { n: 2 }, options), {
    _id: 'a', _version: 3, created: false,
    _source: { n: 2, fare: { currency: 'USD', total: 12.5 }, _kuzzle_info: WRITTEN },
  });
});

testEnvelope('upsert: the default as it is called in the documentation', async (c) => {
  const status = (_id) => document.get(INDEX, c, _id).then(({ _source }) => _source.status);

  // The SDK sends such an option beside the body.
  await document.upsert(INDEX, c, 'a', { n: 1 }, { defaults: { status: 'open' } });
  await stored(c, 'a', 1, { n: 1, status: 'open', _kuzzle_info: CREATED });
  await document.upsert(INDEX, c, 'b', {}, { defaults: { status: 'lost' }, default: { status: 'open' } });
  assert.strictEqual(await status('b'), 'open');
  await fails(document.upsert(INDEX, c, 'c', {}, { defaults: 'x' }), 'api.assert.invalid_type', ['defaults', 'object']);

  // The Dart SDK sends it in the body.
  await kuzzle.query({
    controller: 'document', action: 'upsert', index: INDEX, collection: c, _id: 'd',
    body: { changes: {}, defaults: { status: 'open' } },
  });
  assert.strictEqual(await status('d'), 'open');
});

test('upsert: a default alone, and changes alone', async (c) => {
  same(await document.upsert(INDEX, c, 'a', {}, { default: { n: 0 }, source: true }),
    { _id: 'a', _version: 1, created: true, _source: { n: 0, _kuzzle_info: CREATED } });
  same(await document.upsert(INDEX, c, 'b', {}, { default: {}, source: true }),
    { _id: 'b', _version: 1, created: true, _source: { _kuzzle_info: CREATED } });
});

testEnvelope('upsert: options', async (c) => {
  let version = 0;

  await tryOptions(
    async (options) => {
      same(await document.upsert(INDEX, c, 'a', { version }, options),
        { _id: 'a', _version: version + 1, created: version === 0 });
      version++;
    },
    [...ACCEPTED, { source: false }, { retryOnConflict: 0 }, { retryOnConflict: 3 }, { retryOnConflict: '3' }],
    [...REFUSED, SOURCE_REFUSED, [{ default: 'x' }, 'api.assert.invalid_type', ['body.default', 'object']],
      [{ default: [] }, 'api.assert.invalid_type', ['body.default', 'object']],
      [{ default: null }, 'api.assert.invalid_type', ['body.default', 'object']]]);
  await stored(c, 'a', version, { version: version - 1, _kuzzle_info: WRITTEN });
});

testEnvelope('upsert: what it needs', async (c) => {
  const request = { controller: 'document', action: 'upsert', index: INDEX, collection: c, _id: 'a' };

  await needsCollection((index, collection) => document.upsert(index, collection, 'a', {}));
  await needsId((id) => document.upsert(INDEX, c, id, {}));
  await fails(document.upsert(INDEX, c, 'a', undefined), 'api.assert.missing_argument', ['body.changes']);
  await fails(document.upsert(INDEX, c, 'a', 'x'), 'api.assert.invalid_type', ['body.changes', 'object']);
  await fails(document.upsert(INDEX, c, 'a', [1]), 'api.assert.invalid_type', ['body.changes', 'object']);
  await fails(document.upsert(INDEX, c, 'a', null), 'api.assert.invalid_type', ['body.changes', 'object']);
  await fails(kuzzle.query(request), 'api.assert.body_required');
  assert.strictEqual(await document.exists(INDEX, c, 'a'), false);
});

test('update answers with the changes, and merges', async (c) => {
  await document.create(INDEX, c, { n: 1, deep: { x: 1, z: [1, 2] }, text: 'old' }, 'a');
  same(await document.update(INDEX, c, 'a', { deep: { y: 2, z: [3] }, text: null }),
    { _id: 'a', _version: 2, _source: { deep: { y: 2, z: [3] }, text: null, _kuzzle_info: WRITTEN } });
  await stored(c, 'a', 2, { n: 1, deep: { x: 1, y: 2, z: [3] }, text: null, _kuzzle_info: WRITTEN });
});

test('update with source answers with the whole document', async (c) => {
  await document.create(INDEX, c, { n: 1, deep: { x: 1 } }, 'a');
  same(await document.update(INDEX, c, 'a', { deep: { y: 2 } }, { source: true }),
    { _id: 'a', _version: 2, _source: { n: 1, deep: { x: 1, y: 2 }, _kuzzle_info: WRITTEN } });
});

test('update: keys are literal, and objects replace what is none', async (c) => {
  await document.create(INDEX, c, { deep: { x: 1 }, list: [{ x: 1 }], n: 1 }, 'a');
  same(await document.update(INDEX, c, 'a', { 'deep.x': 2, list: { y: 1 }, n: { z: 1 }, deep: {} }, { source: true }), {
    _id: 'a', _version: 2,
    _source: { deep: { x: 1 }, 'deep.x': 2, list: { y: 1 }, n: { z: 1 }, _kuzzle_info: WRITTEN },
  });
});

testEnvelope('update: options', async (c) => {
  let version = 1;

  await document.create(INDEX, c, {}, 'a');
  await tryOptions(
    async (options) => {
      same(await document.update(INDEX, c, 'a', { version }, options),
        { _id: 'a', _version: ++version, _source: { version: version - 1, _kuzzle_info: WRITTEN } });
    },
    [...ACCEPTED, { source: false }, { source: true }, { retryOnConflict: 0 }, { retryOnConflict: 10 },
      { retryOnConflict: '3' }],
    [...REFUSED, SOURCE_REFUSED]);
  await stored(c, 'a', version, { version: version - 1, _kuzzle_info: WRITTEN });
});

testEnvelope('update: what it needs', async (c) => {
  await needsCollection((index, collection) => document.update(index, collection, 'a', {}));
  await needsId((id) => document.update(INDEX, c, id, {}));
  await fails(document.update(INDEX, c, 'a', null), 'api.assert.body_required');
  await fails(document.update(INDEX, c, 'a', {}), 'services.storage.not_found', ['a', INDEX, c],
    { controller: 'document', action: 'update', index: INDEX, collection: c, _id: 'a' });
});

test('create', async (c) => {
  same(await document.create(INDEX, c, { n: 1 }, 'a'),
    { _id: 'a', _version: 1, _source: { n: 1, _kuzzle_info: CREATED } });
  await stored(c, 'a', 1, { n: 1, _kuzzle_info: CREATED });
  await fails(document.create(INDEX, c, { n: 2 }, 'a'), 'services.storage.document_already_exists');
  await stored(c, 'a', 1, { n: 1, _kuzzle_info: CREATED });
});

test('create generates ids', async (c) => {
  const first = await document.create(INDEX, c, { n: 1 });
  const second = await document.create(INDEX, c, { n: 1 }, '');

  assert.match(first._id, /^[-\w]{20}$/);
  assert.match(second._id, /^[-\w]{20}$/);
  assert.notStrictEqual(first._id, second._id);
  await stored(c, first._id, 1, { n: 1, _kuzzle_info: CREATED });
});

testEnvelope('create: options and what it needs', async (c) => {
  // The refresh of create is not looked at.
  for (const options of [...ACCEPTED, { refresh: true }, { refresh: 'x' }, { refresh: null }]) {
    assert.strictEqual((await document.create(INDEX, c, {}, null, options))._version, 1);
  }
  await fails(document.create(INDEX, c, {}, null, { silent: 'yes' }), 'api.assert.invalid_type', ['silent', 'boolean']);
  await fails(document.create(INDEX, c, null), 'api.assert.body_required');
  await fails(document.create(INDEX, c, {}, 7), 'api.assert.invalid_type', ['_id', 'string']);
  await needsCollection((index, collection) => document.create(index, collection, {}));
  same(await document.count(INDEX, c), 8);
});

testEnvelope('createOrReplace', async (c) => {
  same(await document.createOrReplace(INDEX, c, 'a', { n: 1 }),
    { _id: 'a', _version: 1, created: true, _source: { n: 1, _kuzzle_info: WRITTEN } });
  same(await document.createOrReplace(INDEX, c, 'a', { m: 1 }),
    { _id: 'a', _version: 2, created: false, _source: { m: 1, _kuzzle_info: WRITTEN } });
  await stored(c, 'a', 2, { m: 1, _kuzzle_info: WRITTEN });
  await tryOptions((options) => document.createOrReplace(INDEX, c, 'a', {}, options), ACCEPTED, REFUSED);
  await needsCollection((index, collection) => document.createOrReplace(index, collection, 'a', {}));
  await needsId((id) => document.createOrReplace(INDEX, c, id, {}));
  await fails(document.createOrReplace(INDEX, c, 'a', null), 'api.assert.body_required');
});

testEnvelope('replace', async (c) => {
  await fails(document.replace(INDEX, c, 'a', { n: 1 }), 'services.storage.not_found', ['a', INDEX, c]);
  await document.create(INDEX, c, { n: 1 }, 'a');
  same(await document.replace(INDEX, c, 'a', { m: 1 }),
    { _id: 'a', _version: 2, _source: { m: 1, _kuzzle_info: WRITTEN } });
  await stored(c, 'a', 2, { m: 1, _kuzzle_info: WRITTEN });
  await tryOptions((options) => document.replace(INDEX, c, 'a', {}, options), ACCEPTED, REFUSED);
  await needsCollection((index, collection) => document.replace(index, collection, 'a', {}));
  await needsId((id) => document.replace(INDEX, c, id, {}));
  await fails(document.replace(INDEX, c, 'a', null), 'api.assert.body_required');
});

testEnvelope('get and exists', async (c) => {
  await document.create(INDEX, c, { n: 1 }, 'a');
  same(await document.get(INDEX, c, 'a'), { _id: 'a', _version: 1, _source: { n: 1, _kuzzle_info: CREATED } });
  await fails(document.get(INDEX, c, 'b'), 'services.storage.not_found', ['b', INDEX, c]);
  await fails(document.get(INDEX, c, '_search'), 'services.storage.search_as_an_id');
  assert.strictEqual(await document.exists(INDEX, c, 'a'), true);
  assert.strictEqual(await document.exists(INDEX, c, 'b'), false);
  for (const action of ['get', 'exists']) {
    await needsCollection((index, collection) => document[action](index, collection, 'a'));
    await needsId((id) => document[action](INDEX, c, id));
  }
});

testEnvelope('delete', async (c) => {
  for (const options of [...ACCEPTED, { source: false }]) {
    await document.create(INDEX, c, { n: 1 }, 'a');
    assert.strictEqual(await document.delete(INDEX, c, 'a', options), 'a');
    assert.strictEqual(await document.exists(INDEX, c, 'a'), false);
  }
  await document.create(INDEX, c, { n: 1 }, 'a');
  for (const [options, id, props] of [...REFUSED, SOURCE_REFUSED]) {
    await fails(document.delete(INDEX, c, 'a', options), id, props);
  }
  // The SDK's method keeps the id alone.
  const answer = await kuzzle.query(
    { controller: 'document', action: 'delete', index: INDEX, collection: c, _id: 'a', source: true });
  same(answer.result, { _id: 'a', _version: 1, _source: { n: 1, _kuzzle_info: CREATED } });
  await fails(document.delete(INDEX, c, 'a'), 'services.storage.not_found', ['a', INDEX, c]);
  await needsCollection((index, collection) => document.delete(index, collection, 'a'));
  await needsId((id) => document.delete(INDEX, c, id));
  same(await document.create(INDEX, c, {}, 'a'), { _id: 'a', _version: 1, _source: { _kuzzle_info: CREATED } });
});

test('deleteFields', async (c) => {
  await document.create(INDEX, c, { n: 1, deep: { x: 1, y: 2 }, list: [{ x: 1, y: 2 }, 2], 'deep.x': 3 }, 'a');
  same(await document.deleteFields(INDEX, c, 'a', ['n', 'missing']), { _id: 'a', _version: 2 });
  same(await document.deleteFields(INDEX, c, 'a', ['deep.x', 'deep.y', 'list[0].x', 'list[1]'], { source: true }), {
    _id: 'a', _version: 3,
    // "deep.x" is the key of that name. An element of an array leaves null.
    _source: { deep: { x: 1 }, list: [{ y: 2 }, null], _kuzzle_info: WRITTEN },
  });
  same(await document.deleteFields(INDEX, c, 'a', ['_kuzzle_info'], { source: true }), {
    _id: 'a', _version: 4,
    _source: { deep: { x: 1 }, list: [{ y: 2 }, null], _kuzzle_info: { updatedAt: 'now', updater: '-1' } },
  });
});

testEnvelope('deleteFields: options and what it needs', async (c) => {
  await document.create(INDEX, c, { n: 1 }, 'a');
  await tryOptions((options) => document.deleteFields(INDEX, c, 'a', [], options), ACCEPTED,
    [...REFUSED, SOURCE_REFUSED]);
  await needsCollection((index, collection) => document.deleteFields(index, collection, 'a', []));
  await needsId((id) => document.deleteFields(INDEX, c, id, []));
  await fails(document.deleteFields(INDEX, c, 'a', undefined), 'api.assert.missing_argument', ['body.fields']);
  await fails(document.deleteFields(INDEX, c, 'a', 'n'), 'api.assert.invalid_type', ['body.fields', 'array']);
  await fails(document.deleteFields(INDEX, c, 'b', ['n']), 'services.storage.not_found', ['b', INDEX, c]);
});

testEnvelope('count without a query', async (c) => {
  assert.strictEqual(await document.count(INDEX, c), 0);
  await document.mCreate(INDEX, c, [{ body: {} }, { body: {} }, { body: {} }]);
  assert.strictEqual(await document.count(INDEX, c), 3);
  assert.strictEqual(await document.count(INDEX, c, {}), 3);
  assert.strictEqual(await document.count(INDEX, c, { query: {} }), 3);
  await fails(document.count(INDEX, c, { query: [] }), 'api.assert.invalid_type', ['body.query', 'object']);
  await needsCollection((index, collection) => document.count(index, collection));
});

test('validate: without specifications all documents are valid', async (c) => {
  same(await document.validate(INDEX, c, { n: 1 }), { valid: true, errorMessages: {} });
  await fails(document.validate(INDEX, c, null), 'api.assert.body_required');
  assert.strictEqual(await document.count(INDEX, c), 0);
});

test('metadata: who and when', async (c) => {
  await withUser('ann', async (ann) => {
    await withUser('bob', async (bob) => {
      const { _source: { _kuzzle_info: first } } = await ann.document.create(INDEX, c, { n: 1 }, 'a');
      await new Promise((resolve) => { setTimeout(resolve, 5); });
      const { _source: { _kuzzle_info: second } } = await bob.document.update(INDEX, c, 'a', { n: 2 });

      assert.deepStrictEqual(pick(first, ['author', 'updatedAt', 'updater']),
        { author: 'ann', updatedAt: null, updater: null });
      assert.deepStrictEqual(pick(second, ['author', 'createdAt', 'updater']),
        { author: 'ann', createdAt: first.createdAt, updater: 'bob' });
      assert.ok(second.updatedAt > first.createdAt);

      const { _source: { _kuzzle_info: third } } = await bob.document.replace(INDEX, c, 'a', {});
      assert.deepStrictEqual(pick(third, ['author', 'updater']), { author: 'bob', updater: 'bob' });
      assert.ok(third.createdAt >= second.updatedAt && third.updatedAt === third.createdAt);
    });
  });
});

test('metadata: what the caller says of it is ignored', async (c) => {
  const claim = { n: 1, _kuzzle_info: OTHER_INFO };

  same((await document.create(INDEX, c, claim, 'a'))._source, { n: 1, _kuzzle_info: CREATED });
  same((await document.update(INDEX, c, 'a', claim))._source, { n: 1, _kuzzle_info: WRITTEN });
  same((await document.replace(INDEX, c, 'a', claim))._source, { n: 1, _kuzzle_info: WRITTEN });
  same((await document.createOrReplace(INDEX, c, 'a', claim))._source, { n: 1, _kuzzle_info: WRITTEN });
  same((await document.upsert(INDEX, c, 'a', claim, { source: true }))._source, { n: 1, _kuzzle_info: WRITTEN });
  same((await document.upsert(INDEX, c, 'b', claim, { default: claim, source: true }))._source,
    { n: 1, _kuzzle_info: CREATED });
});

test('ids and contents of all kinds', async (c) => {
  const content = {
    'üñí ✓ 😀': '"quoted" \\ / \n\t', empty: { '': '', list: [], object: {} }, no: null, yes: true,
    numbers: [0, -1, 1.5, 1e21, 1e-7, 9007199254740991],
  };

  for (const id of ['ü ✓ 😀', '_search2', ' ', '%2F', "'; --", 'x'.repeat(512)]) {
    same(await document.create(INDEX, c, content, id),
      { _id: id, _version: 1, _source: { ...content, _kuzzle_info: CREATED } });
    await stored(c, id, 1, { ...content, _kuzzle_info: CREATED });
  }
});
