/*
 * The envelope, the server and auth controllers, and what is not there.
 */
'use strict';

const assert = require('node:assert');
const {
  BatchController, CREATED, INDEX, failure, fails, kuzzle, same, test, testEnvelope, transport, withUser,
} = require('./harness');

const { auth, bulk, document, server } = kuzzle;

testEnvelope('an answer, whole', async (c) => {
  const request = {
    controller: 'document', action: 'upsert', index: INDEX, collection: c, _id: 'a', body: { changes: {} },
    requestId: 'request-1', volatile: { trip: 7 },
  };
  const { node, volatile: { sdkInstanceId, sdkName, ...volatile }, ...answer } = await kuzzle.query(request);

  assert.match(node, /^knode-/);
  assert.strictEqual(sdkInstanceId, kuzzle.protocol.id);
  assert.strictEqual(sdkName, kuzzle.sdkName);
  assert.deepStrictEqual(volatile, { trip: 7 });
  assert.deepStrictEqual(answer, {
    controller: 'document', action: 'upsert', index: INDEX, collection: c, requestId: 'request-1',
    status: 200, error: null, headers: {}, result: { _id: 'a', _version: 1, created: true },
    ...(transport === 'websocket' && { room: 'request-1' }),
  });
});

test('an answer has the names that the request had', async () => {
  const answer = await kuzzle.query({ controller: 'server', action: 'now' });

  assert.deepStrictEqual(Object.keys(answer).sort(),
    ['action', 'controller', 'error', 'headers', 'node', 'requestId', 'result',
      ...(transport === 'websocket' ? ['room'] : []), 'status', 'volatile']);
});

testEnvelope('requests that no action answers', async () => {
  await fails(kuzzle.query({}), 'api.assert.missing_argument', ['controller']);
  await fails(kuzzle.query({ controller: 'document' }), 'api.assert.missing_argument', ['action']);
  await fails(kuzzle.query({ controller: 'nothing', action: 'get' }), 'api.process.controller_not_found', ['nothing']);
  await fails(kuzzle.query({ controller: 'document', action: 'nothing' }), 'api.process.action_not_found',
    ['document', 'nothing']);
  await fails(kuzzle.query({ controller: 'document', action: 'search', index: INDEX, targets: [] }),
    'api.assert.mutually_exclusive', ['index, collection', 'targets']);

  // What is wrong with the envelope itself has no id.
  const error = await failure(kuzzle.query({ controller: 'server', action: 'now', body: 'x' }));
  assert.deepStrictEqual([error.status, error.id, error.message],
    [400, undefined, 'Attribute body must be of type "object" or "array"']);
});

test('server.now', async () => {
  const before = Date.now();
  const now = await server.now();

  assert.ok(Number.isInteger(now) && now >= before && now <= Date.now(), `${now}`);
});

test('server.info, publicApi and healthCheck', async () => {
  const { serverInfo: { kuzzle: { version, api: { routes } }, services } } = await server.info();
  const { result: publicApi } = await kuzzle.query({ controller: 'server', action: 'publicApi' });
  const { result: health } = await kuzzle.query({ controller: 'server', action: 'healthCheck' });

  assert.match(version, /^2\./);
  assert.match(services.publicStorage.type, /PostgreSQL/);
  assert.deepStrictEqual(publicApi, routes);
  for (const [controller, actions] of Object.entries(publicApi)) {
    for (const [action, description] of Object.entries(actions)) {
      assert.deepStrictEqual([description.controller, description.action], [controller, action]);
      // Each is there: without arguments it may fail, but it is known.
      await kuzzle.query({ controller, action })
        .catch(({ id }) => assert.notStrictEqual(id, 'api.process.action_not_found'));
    }
  }
  assert.deepStrictEqual(publicApi.document.upsert.http.map(({ verb, path }) => `${verb} ${path}`).sort(),
    ['POST /:index/:collection/:_id/_upsert', 'PUT /:index/:collection/:_id/_upsert']);
  assert.deepStrictEqual(health,
    { status: 'green', services: { storageEngine: 'green', memoryStorage: 'green', internalCache: 'green' } });
});

test('auth.checkToken and getCurrentUser', async () => {
  const user = await auth.getCurrentUser();

  assert.deepStrictEqual(await auth.checkToken(), { valid: true, kuid: '-1', expiresAt: -1 });
  assert.deepStrictEqual(await auth.checkToken(''), { valid: true, kuid: '-1', expiresAt: -1 });
  assert.deepStrictEqual(await auth.checkToken('no token'), { valid: false, state: 'Invalid token.' });
  assert.deepStrictEqual([user._id, user.content], ['-1', { profileIds: ['anonymous'] }]);
  assert.strictEqual(await kuzzle.isAuthenticated(), false);
  await withUser('ann', async (ann) => {
    assert.strictEqual((await ann.auth.getCurrentUser())._id, 'ann');
  });
});

test('actions that are not supported yet', async (c) => {
  const query = { term: { n: 1 } };

  await document.create(INDEX, c, { n: 1 }, 'a');
  for (const [name, call] of Object.entries({
    search: () => document.search(INDEX, c, { query }),
    scroll: () => kuzzle.query({ controller: 'document', action: 'scroll', scrollId: 'x' }),
    export: () => kuzzle.query({ controller: 'document', action: 'export', index: INDEX, collection: c }),
    deleteByQuery: () => document.deleteByQuery(INDEX, c, { query }),
    updateByQuery: () => document.updateByQuery(INDEX, c, query, { n: 2 }),
    'bulk.deleteByQuery': () => bulk.deleteByQuery(INDEX, c, { query }),
    'bulk.updateByQuery': () => bulk.updateByQuery(INDEX, c, query, { n: 2 }),
    'count with a query': () => document.count(INDEX, c, { query }),
  })) {
    const { status, id, code, message } = await failure(call());

    assert.ok(status >= 400 && status < 600, `${name}: ${status}`);
    assert.ok(typeof id === 'string' && Number.isInteger(code) && message, name);
  }
  same((await document.get(INDEX, c, 'a'))._source, { n: 1, _kuzzle_info: CREATED });
});

test('the batch writer of the SDK', async (c) => {
  const batch = new BatchController(kuzzle);

  try {
    const ids = ['a', 'b', 'c', 'd'];
    const created = await Promise.all(ids.map((_id) => batch.create(INDEX, c, { name: _id }, _id)));

    same(created.map(({ _id, _source }) => ({ _id, _source })),
      ids.map((_id) => ({ _id, _source: { name: _id, _kuzzle_info: CREATED } })));
    assert.deepStrictEqual(await Promise.all([...ids, 'z'].map((_id) => batch.exists(INDEX, c, _id))),
      [true, true, true, true, false]);
    same((await batch.get(INDEX, c, 'b'))._source, { name: 'b', _kuzzle_info: CREATED });
  } finally {
    await batch.dispose();
  }
});
