/*
 * Milvus' own SDK, its HttpClient, and the requests of its manual, on kz_http: through
 * the fetch of examples/milvus, or a gateway.
 */
'use strict';

const assert = require('node:assert');
const path = require('node:path');
const { createRequire } = require('node:module');

const example = createRequire(path.join(__dirname, '..', '..', 'examples', 'milvus', 'package.json'));
const { HttpClient } = example('@zilliz/milvus2-sdk-node');
const { createFetch } = example('./postgresql');
const { tokenOf, transport } = require('./transport');

const gateway = transport !== 'postgresql';
const endpoint = gateway ? `http://${process.env.KZ_GATEWAY}` : 'http://postgresql:19530';
const fetch = gateway ? globalThis.fetch : createFetch({ application_name: 'test/sdk/milvus' });
const token = gateway ? tokenOf('root') : 'root:Milvus';
const milvus = new HttpClient({ endpoint, fetch, token });
const exact = new HttpClient({ baseURL: `${endpoint}/v2`, fetch, token, acceptInt64: true });
const tests = [];

function test(name, body) {
  tests.push({ name, body });
}

/** A collection with a key, a vector and dynamic fields. */
async function quick(collectionName, more = {}) {
  same(await milvus.createCollection({ collectionName, dimension: 2, ...more }), { code: 0, data: {} });
}

function same(actual, expected) {
  assert.deepStrictEqual(actual, expected);
}

async function refused(promise, code, text) {
  const { code: actual, message, ...rest } = await promise;

  assert.strictEqual(actual, code);
  assert.match(message, text);
  same(rest, {});
}

const row = (id, more = {}) => ({ id, vector: [0.1, 0.2], ...more });

test('collections: create, list, has, describe, drop', async (collectionName) => {
  await quick(collectionName);
  await quick(collectionName);
  await refused(milvus.createCollection({ collectionName, dimension: 3 }), 65535, /^create duplicate collection with different parameters, collection: /);
  same(await milvus.listCollections({ dbName: 'default' }), { code: 0, data: [collectionName] });
  same(await milvus.listCollections(), { code: 0, data: [collectionName] });
  same(await milvus.hasCollection({ collectionName }), { code: 0, data: { has: true } });
  const { data } = await milvus.describeCollection({ collectionName });
  assert.strictEqual(data.collectionName, collectionName);
  same(data.fields.map(({ name, type, primaryKey }) => [name, type, primaryKey]), [['id', 'Int64', true], ['vector', 'FloatVector', false]]);
  same(data.fields[1].params, [{ key: 'dim', value: '2' }]);
  same(await milvus.dropCollection({ collectionName }), { code: 0, data: {} });
  same(await milvus.hasCollection({ collectionName }), { code: 0, data: { has: false } });
  await refused(milvus.describeCollection({ collectionName }), 100, /^can't find collection\[database=default\]/);
});

test('collections: what there is nothing to do for', async (collectionName) => {
  await quick(collectionName);
  for (const call of ['loadCollection', 'releaseCollection', 'flushCollection']) {
    same(await milvus[call]({ collectionName }), { code: 0, data: {} });
  }
  same((await milvus.getCollectionLoadState({ collectionName })).data, { loadState: 'LoadStateLoaded', loadProgress: 100 });
});

test('collections: statistics and another name', async (collectionName) => {
  await quick(collectionName);
  await milvus.insert({ collectionName, data: Array.from({ length: 100 }, (_, i) => row(i)) });
  await milvus.upsert({ collectionName, data: [row(5, { color: 'red' })] });
  same((await milvus.getCollectionStatistics({ collectionName })).data, { rowCount: 100 });
  same(await milvus.renameCollection({ collectionName, newCollectionName: `${collectionName}_new` }), { code: 0, data: {} });
  same((await milvus.getCollectionStatistics({ collectionName: `${collectionName}_new` })).data, { rowCount: 100 });
});

test('databases', async (collectionName) => {
  const dbName = 'Shop';
  const shop = new HttpClient({ endpoint, fetch, token, database: dbName });

  same(await milvus.createDatabase({ dbName }), { code: 0, data: {} });
  same((await milvus.listDatabases()).data.filter((name) => name === dbName), [dbName]);
  await shop.createCollection({ collectionName, dimension: 2 });
  same((await shop.listCollections({ dbName })).data, [collectionName]);
  same((await milvus.listCollections({ dbName: 'default' })).data.includes(collectionName), false);
  await refused(milvus.dropDatabase({ dbName }), 65535, /not empty/);
  await shop.dropCollection({ collectionName });
  same(await milvus.dropDatabase({ dbName }), { code: 0, data: {} });
  await refused(milvus.describeDatabase({ dbName }), 800, /^database not found\[database=Shop\]$/);
});

test('insert, get, query, delete', async (collectionName) => {
  await quick(collectionName);
  same(await milvus.insert({ collectionName, data: [row(1, { color: 'red' }), row(2, { color: 'blue' })] }),
    { code: 0, cost: 0, data: { insertCount: 2, insertIds: ['1', '2'] } });
  same((await milvus.get({ collectionName, id: [2, 1, 3], outputFields: ['color'] })).data, [{ id: '2', color: 'blue' }, { id: '1', color: 'red' }]);
  same((await milvus.query({ collectionName, filter: 'color like "r%"', outputFields: ['*'] })).data, [{ id: '1', vector: [0.1, 0.2], color: 'red' }]);
  same((await milvus.query({ collectionName, filter: '', limit: 1, offset: 1, outputFields: ['id'] })).data, [{ id: '2' }]);
  same((await milvus.query({ collectionName, filter: 'id > 0', outputFields: ['count(*)'] })).data, [{ 'count(*)': '2' }]);
  same((await milvus.query({ collectionName, filter: 'color == {wanted}', exprParams: { wanted: 'blue' }, outputFields: ['id'] })).data, [{ id: '2' }]);
  same((await milvus.delete({ collectionName, filter: 'id in [1, 7]' })).data, { deleteCount: 1 });
  await refused(milvus.delete({ collectionName, filter: '1 == 1' }), 1100, /^delete plan can't be empty or always true/);
  await refused(milvus.query({ collectionName, filter: 'color ==', outputFields: ['id'] }), 1100, /^failed to create query plan: cannot parse expression: color ==/);
});

test('upsert: whole entities, in the order of the request', async (collectionName) => {
  await quick(collectionName);
  await milvus.insert({ collectionName, data: [row(2, { color: 'red', size: 1 })] });
  same(await milvus.upsert({ collectionName, data: [row(9), row(2, { color: 'blue' }), row(1)] }),
    { code: 0, cost: 0, data: { upsertCount: 3, upsertIds: ['9', '2', '1'] } });
  same((await milvus.get({ collectionName, id: 2, outputFields: ['*'] })).data, [{ id: '2', vector: [0.1, 0.2], color: 'blue' }]);
});

test('upsert: one bad row refuses all', async (collectionName) => {
  await quick(collectionName);
  await refused(milvus.upsert({ collectionName, data: [row(1), { id: 2, vector: [1] }] }), 1804, /size 1 doesn't equal to vector dimension 2 of FloatVector/);
  await refused(milvus.upsert({ collectionName, data: [row(1), row('1')] }), 1100, /^duplicate primary keys are not allowed in the same batch/);
  await refused(milvus.upsert({ collectionName, data: [row('x')] }), 1804, /expected=Int64/);
  same((await milvus.query({ collectionName, filter: '', limit: 10, outputFields: ['id'] })).data, []);
});

test('numbers beyond those of JavaScript', async (collectionName) => {
  await quick(collectionName);
  same((await milvus.upsert({ collectionName, data: [row('9007199254740993')] })).data.upsertIds, ['9007199254740993']);
  same((await milvus.get({ collectionName, id: ['9007199254740993'], outputFields: ['id'] })).data, [{ id: '9007199254740993' }]);
  same((await milvus.query({ collectionName, filter: 'id == 9007199254740992', outputFields: ['id'] })).data, []);
  same((await exact.upsert({ collectionName, data: [row(7)] })).data.upsertIds, [7]);
});

test('partial updates at the same time lose nothing', async (collectionName) => {
  await quick(collectionName);
  await milvus.upsert({ collectionName, data: [row(1)] });
  const answers = await Promise.all(Array.from({ length: 20 }, (_, i) =>
    milvus.upsert({ collectionName, partialUpdate: true, data: [{ id: 1, [`key${i}`]: i }] })));

  for (const { code } of answers) {
    assert.strictEqual(code, 0);
  }
  const { data: [{ id, vector, ...keys }] } = await milvus.get({ collectionName, id: 1, outputFields: ['*'] });
  same([id, vector], ['1', [0.1, 0.2]]);
  assert.strictEqual(Object.keys(keys).length, 20);
});

test('a schema: types, defaults, arrays, JSON, a key of text', async (collectionName) => {
  same(await milvus.createCollection({ collectionName, schema: {
    autoId: false, enabledDynamicField: false, fields: [
      { fieldName: 'name', dataType: 'VarChar', isPrimary: true, elementTypeParams: { max_length: 20 } },
      { fieldName: 'embedding', dataType: 'FloatVector', elementTypeParams: { dim: 3 } },
      { fieldName: 'big', dataType: 'Int64', nullable: true },
      { fieldName: 'state', dataType: 'VarChar', defaultValue: 'new', elementTypeParams: { max_length: 10 } },
      { fieldName: 'tags', dataType: 'Array', nullable: true, elementDataType: 'VarChar', elementTypeParams: { max_capacity: 3, max_length: 10 } },
      { fieldName: 'extra', dataType: 'JSON', nullable: true },
    ] }, indexParams: [{ fieldName: 'embedding', indexName: 'by_embedding', metricType: 'IP' }] }), { code: 0, data: {} });
  same((await milvus.upsert({ collectionName, data: [{ name: 'Zoë', embedding: [1, 2, 3], big: '123', tags: ['a'], extra: { x: [1, null] } }] })).data,
    { upsertCount: 1, upsertIds: ['Zoë'] });
  const { data: [entity] } = await milvus.get({ collectionName, id: 'Zoë', outputFields: ['*'] });
  same({ ...entity, extra: JSON.parse(entity.extra) },
    { name: 'Zoë', embedding: [1, 2, 3], big: '123', state: 'new', tags: { Data: { StringData: { data: ['a'] } } }, extra: { x: [1, null] } });
  await refused(milvus.upsert({ collectionName, data: [{ name: 'y', embedding: [1, 2, 3], other: 1 }] }), 1804, /has pass more field without dynamic schema/);
  same((await milvus.query({ collectionName, filter: 'array_contains(tags, "a") and extra["x"][0] == 1', outputFields: ['name'] })).data, [{ name: 'Zoë' }]);
});

test('search says what it needs', async (collectionName) => {
  await quick(collectionName);
  await refused(milvus.search({ collectionName, data: [[0.1, 0.2]] }), 65535, /needs the extension pgvector/);
});

/* The first version, as its manual shows it. */
async function v1(verb, action, body) {
  const answer = await fetch(`${endpoint}/v1/vector/${action}`, {
    method: verb, headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${token}` }, body: body && JSON.stringify(body) });

  assert.strictEqual(answer.status, 200);
  return answer.json();
}

test('v1: upsert of an object and of an array', async (collectionName) => {
  await quick(collectionName);
  same(await v1('POST', 'upsert', { dbName: 'default', collectionName, data: row(1, { title: 'a' }) }), { code: 200, data: { upsertCount: 1, upsertIds: [1] } });
  same(await v1('POST', 'upsert', { collectionName, data: [row(1), row(2)] }), { code: 200, data: { upsertCount: 2, upsertIds: [1, 2] } });
  same((await v1('POST', 'get', { collectionName, id: 1 })).data, [row(1)]);
  same((await v1('POST', 'query', { collectionName, filter: 'id > 1' })).data, [row(2)]);
  same(await v1('POST', 'delete', { collectionName, id: [1] }), { code: 200, data: {} });
  assert.ok((await v1('GET', 'collections')).data.includes(collectionName));
  await refused(v1('POST', 'upsert', { collectionName }), 1802, /^missing required parameters, required parameters: \[collectionName, data\]$/);
});

test('v1: keys that the server makes', async (collectionName) => {
  same(await v1('POST', 'collections/create', { collectionName, dimension: 2 }), { code: 200, data: {} });
  const { code, data } = await v1('POST', 'insert', { collectionName, data: { vector: [1, 2] } });

  same([code, data.insertCount, data.insertIds.length], [200, 1, 1]);
  await refused(v1('POST', 'upsert', { collectionName, data: { id: 1, vector: [1, 2] } }), 1100, /^cannot upsert an autoID collection/);
});

test('paths that there are not', async () => {
  const answer = await fetch(`${endpoint}/v2/vectordb/nothing`, { method: 'post', body: '{}', headers: { Authorization: `Bearer ${token}` } });

  same([answer.status, await answer.text()], [404, '404 page not found']);
  await assert.rejects(milvus.createAlias({ collectionName: 'x', aliasName: 'y' }), /HTTP 404/);
});

async function main(words) {
  for (const [number, { name, body }] of tests.entries()) {
    if (words.length && !words.some((word) => name.includes(word))) {
      continue;
    }
    try {
      await body(`Test_${number + 1}`);
      console.log(`ok - milvus: ${name}`);
    } catch (error) {
      console.log(`not ok - milvus: ${name}\n${error.stack}`);
      process.exitCode = 1;
    }
    for (const collectionName of (await milvus.listCollections()).data) {
      await milvus.dropCollection({ collectionName });
    }
  }
  await fetch.close?.();
}

main(process.argv.slice(2)).catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
