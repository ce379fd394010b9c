/*
 * Actions for many documents.
 */
'use strict';

const assert = require('node:assert');
const { CREATED, INDEX, WRITTEN, fails, kuzzle, same, stored, test, testEnvelope } = require('./harness');

const { document } = kuzzle;
const CREATE = { created: true, result: 'created', status: 201 };
const REPLACE = { created: false, result: 'updated', status: 200 };
const ACTIONS = ['mCreate', 'mCreateOrReplace', 'mReplace', 'mUpdate', 'mUpsert'];

/* Entries with this content for all actions that take entries. */
const entry = (action, _id, content) => (action === 'mUpsert' ? { _id, changes: content } : { _id, body: content });

test('mUpsert creates and updates', async (c) => {
  await document.create(INDEX, c, { n: 1, deep: { x: 1 } }, 'b');
  same(await document.mUpsert(INDEX, c, [
    { _id: 'a', changes: { n: 1 }, default: { status: 'open' } },
    { _id: 'b', changes: { deep: { y: 2 } }, default: { status: 'open' } },
    { _id: 'c', changes: {} },
  ]), {
    successes: [
      { _id: 'a', _version: 1, created: true, status: 201, _source: { n: 1, status: 'open', _kuzzle_info: CREATED } },
      { _id: 'b', _version: 2, created: false, status: 200,
        _source: { n: 1, deep: { x: 1, y: 2 }, _kuzzle_info: WRITTEN } },
      { _id: 'c', _version: 1, created: true, status: 201, _source: { _kuzzle_info: CREATED } },
    ],
    errors: [],
  });
  await stored(c, 'a', 1, { n: 1, status: 'open', _kuzzle_info: CREATED });
});

test('mUpsert: on creation the default wins over the changes', async (c) => {
  const documents = [{ _id: 'a', changes: { name: 'changed', n: 1 }, default: { name: 'created' } }];

  same((await document.mUpsert(INDEX, c, documents)).successes[0]._source,
    { name: 'created', n: 1, _kuzzle_info: CREATED });
  same((await document.mUpsert(INDEX, c, documents)).successes[0]._source,
    { name: 'changed', n: 1, _kuzzle_info: WRITTEN });
});

test('mUpsert: an id twice is created, then updated', async (c) => {
  same(await document.mUpsert(INDEX, c, [
    { _id: 'a', changes: { n: 1 }, default: { status: 'open' } },
    { _id: 'b', changes: {} },
    { _id: 'a', changes: { n: 2 }, default: { status: 'lost' } },
  ]), {
    successes: [
      { _id: 'a', _version: 1, created: true, status: 201, _source: { n: 1, status: 'open', _kuzzle_info: CREATED } },
      { _id: 'b', _version: 1, created: true, status: 201, _source: { _kuzzle_info: CREATED } },
      { _id: 'a', _version: 2, created: false, status: 200, _source: { n: 2, status: 'open', _kuzzle_info: WRITTEN } },
    ],
    errors: [],
  });
});

test('mUpsert: entries that are wrong', async (c) => {
  const wrong = [
    [{ _id: 'a' }, 'document changes must be an object'],
    [{ _id: 'a', changes: null }, 'document changes must be an object'],
    [{ _id: 'a', changes: [] }, 'document changes must be an object'],
    [{ _id: 'a', changes: 'x', default: 'x' }, 'document changes must be an object'],
    [{ _id: 'a', changes: {}, default: 'x' }, 'document default must be an object'],
    [{ _id: 7, changes: {}, default: [] }, 'document default must be an object'],
    [{ _id: 7, changes: {} }, 'document _id must be a string'],
    [{ _id: '', changes: {} }, 'document _id must be a string'],
    [{ changes: { n: 1 }, default: {} }, 'document _id must be a string'],
  ];
  const falsy = [null, false, 0, ''].map((value, i) => ({ _id: `falsy-${i}`, changes: {}, default: value }));

  same(await document.mUpsert(INDEX, c, [...wrong.map(([sent]) => sent), ...falsy]), {
    successes: falsy.map(({ _id }) =>
      ({ _id, _version: 1, created: true, status: 201, _source: { _kuzzle_info: CREATED } })),
    errors: wrong.map(([sent, reason]) => ({ document: sent, reason, status: 400 })),
  });
  assert.strictEqual(await document.exists(INDEX, c, 'falsy-0'), true);
  assert.strictEqual(await document.count(INDEX, c), 4);
});

testEnvelope('mUpsert: options', async (c) => {
  const options = [
    {}, { silent: true }, { refresh: 'wait_for' }, { refresh: 'false' }, { retryOnConflict: 5 }, { retryOnConflict: '5' },
    { queuable: false }, { strict: true },
  ];

  for (const [n, option] of options.entries()) {
    const { successes: [{ _version }], errors } =
      await document.mUpsert(INDEX, c, [{ _id: 'a', changes: { n } }], option);

    assert.strictEqual(_version, n + 1);
    assert.deepStrictEqual(errors, []);
  }
  for (const [option, id, props] of [
    [{ silent: 'yes' }, 'api.assert.invalid_type', ['silent', 'boolean']],
    [{ strict: 'yes' }, 'api.assert.invalid_type', ['strict', 'boolean']],
    [{ refresh: true }, 'api.assert.invalid_type', ['refresh', 'string']],
    [{ refresh: 'true' }, 'services.storage.invalid_argument', ['refresh', '"wait_for", false']],
    [{ retryOnConflict: 'x' }, 'api.assert.invalid_type', ['retryOnConflict', 'integer']],
    [{ retryOnConflict: 1.5 }, 'api.assert.invalid_type', ['retryOnConflict', 'integer']],
  ]) {
    await fails(document.mUpsert(INDEX, c, [{ _id: 'a', changes: {} }], option), id, props);
  }
});

test('mCreate', async (c) => {
  await document.create(INDEX, c, { n: 0 }, 'b');
  same(await document.mCreate(INDEX, c, [
    { _id: 'a', body: { n: 1 } }, { _id: 'b', body: { n: 2 } }, { _id: 'c', body: 'x' }, { _id: 'd', body: {} },
    { _id: 'e' },
  ]), {
    successes: [
      { _id: 'a', _version: 1, ...CREATE, _source: { n: 1, _kuzzle_info: CREATED } },
      { _id: 'd', _version: 1, ...CREATE, _source: { _kuzzle_info: CREATED } },
    ],
    errors: [
      { document: { _id: 'c', body: 'x' }, reason: 'document body must be an object', status: 400 },
      { document: { _id: 'e' }, reason: 'document body must be an object', status: 400 },
      { document: { _id: 'b', body: { n: 2 } }, reason: 'document already exists', status: 400 },
    ],
  });
  await stored(c, 'b', 1, { n: 0, _kuzzle_info: CREATED });
});

test('mCreate generates ids', async (c) => {
  const { successes, errors } =
    await document.mCreate(INDEX, c, [{ body: {} }, { _id: '', body: {} }, { _id: null, body: {} }]);

  assert.deepStrictEqual(errors, []);
  assert.strictEqual(new Set(successes.map(({ _id }) => _id)).size, 3);
  for (const { _id } of successes) {
    assert.match(_id, /^[-\w]{20}$/);
    await stored(c, _id, 1, { _kuzzle_info: CREATED });
  }
});

test('mCreateOrReplace', async (c) => {
  await document.create(INDEX, c, { n: 0 }, 'b');
  same(await document.mCreateOrReplace(INDEX, c, [
    { _id: 'a', body: { n: 1 } }, { _id: 'b', body: { m: 2 } }, { _id: 7, body: {} }, { _id: 'c', body: [] },
  ]), {
    successes: [
      { _id: 'a', _version: 1, ...CREATE, _source: { n: 1, _kuzzle_info: WRITTEN } },
      { _id: 'b', _version: 2, ...REPLACE, _source: { m: 2, _kuzzle_info: WRITTEN } },
      { _id: '7', _version: 1, ...CREATE, _source: { _kuzzle_info: WRITTEN } },
    ],
    errors: [{ document: { _id: 'c', body: [] }, reason: 'document body must be an object', status: 400 }],
  });
  await stored(c, 'b', 2, { m: 2, _kuzzle_info: WRITTEN });
});

testEnvelope('mCreateOrReplace without source', async (c) => {
  for (const source of [false, 'false']) {
    same(await document.mCreateOrReplace(INDEX, c, [{ _id: `${source}`, body: {} }], { source }).then(({ successes }) =>
      successes.map(({ _version, ...rest }) => rest)), [{ _id: 'false', ...(source ? REPLACE : CREATE) }]);
  }
  same((await document.mCreateOrReplace(INDEX, c, [{ _id: 'a', body: { n: 1 } }], { source: true })).successes,
    [{ _id: 'a', _version: 1, ...CREATE, _source: { n: 1, _kuzzle_info: WRITTEN } }]);
});

test('mReplace', async (c) => {
  await document.mCreate(INDEX, c, [{ _id: 'a', body: { n: 0 } }, { _id: 'b', body: { n: 0 } }]);
  same(await document.mReplace(INDEX, c, [
    { _id: 'z', body: { n: 1 } }, { _id: 'b', body: { m: 2 } }, { _id: 7, body: {} }, { body: {} },
    { _id: 'a', body: null },
  ]), {
    successes: [{ _id: 'b', _version: 2, ...REPLACE, _source: { m: 2, _kuzzle_info: WRITTEN } }],
    errors: [
      { document: { _id: 7, body: {} }, reason: 'document _id must be a string', status: 400 },
      { document: { body: {} }, reason: 'document _id must be a string', status: 400 },
      { document: { _id: 'a', body: null }, reason: 'document body must be an object', status: 400 },
      { document: { _id: 'z', body: { n: 1 } }, reason: 'document not found', status: 404 },
    ],
  });
  await stored(c, 'b', 2, { m: 2, _kuzzle_info: WRITTEN });
});

test('mUpdate', async (c) => {
  await document.mCreate(INDEX, c, [{ _id: 'a', body: { n: 0, deep: { x: 1 } } }, { _id: 'b', body: {} }]);
  same(await document.mUpdate(INDEX, c, [
    { _id: 'z', body: { n: 1 } }, { _id: 'a', body: { deep: { y: 2 } } }, { _id: 7, body: {} }, { body: {} },
    { _id: 'b', body: 'x' }, { _id: 'a', body: { n: 1 } },
  ]), {
    successes: [
      { _id: 'a', _version: 2, status: 200, _source: { n: 0, deep: { x: 1, y: 2 }, _kuzzle_info: WRITTEN } },
      { _id: 'a', _version: 3, status: 200, _source: { n: 1, deep: { x: 1, y: 2 }, _kuzzle_info: WRITTEN } },
    ],
    errors: [
      { document: { _id: 'b', body: 'x' }, reason: 'document body must be an object', status: 400 },
      { document: { _id: 7, body: {} }, reason: 'document _id must be a string', status: 400 },
      { document: { body: {} }, reason: 'document _id must be a string', status: 400 },
      { document: { _id: 'z', body: { n: 1 } }, reason: 'document not found', status: 404 },
    ],
  });
  await stored(c, 'a', 3, { n: 1, deep: { x: 1, y: 2 }, _kuzzle_info: WRITTEN });
});

test('mDelete', async (c) => {
  await document.mCreate(INDEX, c, ['a', 'b', 'c'].map((_id) => ({ _id, body: {} })));
  same(await document.mDelete(INDEX, c, ['z', 'a', 7, 'b', 'a']), {
    successes: ['a', 'b'],
    errors: [
      { _id: 7, reason: 'document _id must be a string', status: 400 },
      { _id: 'z', reason: 'document not found', status: 404 },
    ],
  });
  assert.strictEqual(await document.count(INDEX, c), 1);
  same(await document.mDelete(INDEX, c, ['c'], { silent: true, refresh: 'wait_for' }), { successes: ['c'], errors: [] });
  same(await document.mDelete(INDEX, c, []), { successes: [], errors: [] });
});

test('mGet', async (c) => {
  await document.mCreate(INDEX, c, ['a', 'b'].map((_id) => ({ _id, body: { name: _id } })));
  const [a, b] = ['a', 'b'].map((_id) => ({ _id, _version: 1, _source: { name: _id, _kuzzle_info: CREATED } }));

  same(await document.mGet(INDEX, c, ['b', 'z', 'a', 7, 'b']), { successes: [b, a, b], errors: ['z', '7'] });
  same(await document.mGet(INDEX, c, []), { successes: [], errors: [] });
  // Ids may also stand beside the body, joined by commas.
  const { result } =
    await kuzzle.query({ controller: 'document', action: 'mGet', index: INDEX, collection: c, ids: 'a,z' });
  same(result, { successes: [a], errors: ['z'] });
});

test('mExists', async (c) => {
  // The SDK has no method for it.
  const mExists = async (ids, more) => (await kuzzle.query(
    { controller: 'document', action: 'mExists', index: INDEX, collection: c, body: { ids }, ...more })).result;

  await document.mCreate(INDEX, c, ['a', 'b'].map((_id) => ({ _id, body: {} })));
  same(await mExists(['b', 'z', 'a']), { successes: ['b', 'a'], errors: ['z'] });
  same(await mExists(['a'], { strict: true }), { successes: ['a'], errors: [] });
  await fails(mExists(['a', 'z'], { strict: true }), 'api.process.incomplete_multiple_request', ['get'],
    { errors: ['z'], count: 1 });
});

test('strict: a failure, of which the good part stays', async (c) => {
  const bad = { reason: 'document not found', status: 404 };
  const strict = { strict: true };

  await document.create(INDEX, c, { n: 0 }, 'a');
  await fails(document.mCreate(INDEX, c, [{ _id: 'a', body: {} }, { _id: 'b', body: { n: 0 } }], strict),
    'api.process.incomplete_multiple_request', ['mCreate'],
    { errors: [{ document: { _id: 'a', body: {} }, reason: 'document already exists', status: 400 }], count: 1 });
  await stored(c, 'b', 1, { n: 0, _kuzzle_info: CREATED });

  for (const action of ['mReplace', 'mUpdate']) {
    const [y, b, z] = [['y', {}], ['b', { n: action }], ['z', {}]].map(([_id, body]) => ({ _id, body }));

    await fails(document[action](INDEX, c, [y, b, z], strict), 'api.process.incomplete_multiple_request', [action],
      { errors: [{ document: y, ...bad }, { document: z, ...bad }], count: 2 });
    same((await document.get(INDEX, c, 'b'))._source, { n: action, _kuzzle_info: WRITTEN });
  }

  for (const action of ['mCreateOrReplace', 'mUpsert']) {
    const wrong = entry(action, 'y', null);
    const reason = `document ${action === 'mUpsert' ? 'changes' : 'body'} must be an object`;

    await fails(document[action](INDEX, c, [entry(action, 'b', { n: action }), wrong], strict),
      'api.process.incomplete_multiple_request', [action], { errors: [{ document: wrong, reason, status: 400 }], count: 1 });
    same((await document.get(INDEX, c, 'b'))._source, { n: action, _kuzzle_info: WRITTEN });
  }

  await fails(document.mDelete(INDEX, c, ['a', 'z'], strict), 'api.process.incomplete_multiple_request', ['delete'],
    { errors: [{ _id: 'z', ...bad }], count: 1 });
  assert.strictEqual(await document.exists(INDEX, c, 'a'), false);
  await fails(document.mGet(INDEX, c, ['b', 'z'], strict), 'api.process.incomplete_multiple_request', ['get'],
    { errors: ['z'], count: 1 });
});

test('strict is no failure if all succeed', async (c) => {
  for (const action of ['mCreate', 'mCreateOrReplace', 'mReplace', 'mUpdate', 'mUpsert']) {
    const { successes, errors } = await document[action](INDEX, c, [entry(action, 'a', { n: 1 })], { strict: true });

    assert.deepStrictEqual(errors, []);
    assert.deepStrictEqual(successes.map(({ _id }) => _id), ['a']);
  }
  same(await document.mDelete(INDEX, c, ['a'], { strict: true }), { successes: ['a'], errors: [] });
});

testEnvelope('many documents: what the actions need', async (c) => {
  for (const action of ACTIONS) {
    const entries = [entry(action, 'a', {})];

    await fails(document[action]('nowhere', c, entries), 'services.storage.unknown_index', ['nowhere']);
    await fails(document[action](INDEX, 'nothing', entries), 'services.storage.unknown_collection', [INDEX, 'nothing']);
    await fails(document[action](undefined, c, entries), 'api.assert.missing_argument', ['index']);
    await fails(document[action](INDEX, '', entries), 'api.assert.missing_argument', ['collection']);
    await fails(document[action](INDEX, c, undefined), 'api.assert.missing_argument', ['body.documents']);
    await fails(document[action](INDEX, c, null), 'api.assert.invalid_type', ['body.documents', 'array']);
    await fails(document[action](INDEX, c, {}), 'api.assert.invalid_type', ['body.documents', 'array']);
    await fails(kuzzle.query({ controller: 'document', action, index: INDEX, collection: c }), 'api.assert.body_required');
    // Nothing to do is done without looking at the collection.
    same(await document[action](INDEX, 'nothing', []), { successes: [], errors: [] });
  }
  for (const action of ['mGet', 'mDelete']) {
    await fails(document[action]('nowhere', c, ['a']), 'services.storage.unknown_index', ['nowhere']);
    await fails(document[action](INDEX, 'nothing', ['a']), 'services.storage.unknown_collection', [INDEX, 'nothing']);
    await fails(document[action](undefined, c, ['a']), 'api.assert.missing_argument', ['index']);
    await fails(document[action](INDEX, c, 'a'), 'api.assert.invalid_type', ['body.ids', 'array']);
  }
  assert.strictEqual(await document.count(INDEX, c), 0);
});

testEnvelope('many documents: at most 200 are written, at most 10000 are read', async (c) => {
  const ids = Array.from({ length: 201 }, (_, i) => `id-${i}`);

  for (const action of ACTIONS) {
    await fails(document[action](INDEX, c, ids.map((id) => entry(action, id, {}))),
      'services.storage.write_limit_exceeded');
    assert.strictEqual(await document.count(INDEX, c), 0);
  }
  await document.mCreate(INDEX, c, ids.slice(0, 200).map((_id) => ({ _id, body: {} })));
  await document.create(INDEX, c, {}, ids[200]);
  await fails(document.mDelete(INDEX, c, ids), 'services.storage.write_limit_exceeded');
  assert.strictEqual(await document.count(INDEX, c), 201);
  // Ids that are not there do not count.
  same((await document.mDelete(INDEX, c, [...ids.slice(1), 'x', 'y'])).successes, ids.slice(1));

  const many = Array.from({ length: 10000 }, (_, i) => `id-${i}`);
  same((await document.mGet(INDEX, c, many)).errors, many.slice(1));
  await fails(document.mGet(INDEX, c, [...many, 'x']), 'services.storage.get_limit_exceeded');
});
