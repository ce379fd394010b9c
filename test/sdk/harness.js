/*
 * What the tests share: the SDK, tests with a collection of their own, exact
 * comparisons.
 */
'use strict';

const assert = require('node:assert');
const { EXAMPLE, PostgreSQL, example, makeKuzzle, transport } = require('./transport');

const { BatchController, Kuzzle } = example('kuzzle-sdk');
const pg = example('pg');

const INDEX = 'sdk';
const kuzzle = makeKuzzle();
const started = Date.now();
const tests = [];

/* Metadata of a document that an anonymous user has written; times are masked. */
const CREATED = { author: '-1', createdAt: 'now', updatedAt: null, updater: null };
const WRITTEN = { author: '-1', createdAt: 'now', updatedAt: 'now', updater: '-1' };

/* Kuzzle's catalogue: id, code, status, message with a %s for each of the props. */
const CATALOGUE = [
  ['services.storage.unknown_index', 0x01010001, 412, 'The index "%s" does not exist.'],
  ['services.storage.unknown_collection', 0x01010002, 412, 'The collection "%s":"%s" does not exist.'],
  ['services.storage.get_limit_exceeded', 0x01010003, 413,
    'The number of documents returned by this request exceeds the configured server limit.'],
  ['services.storage.write_limit_exceeded', 0x01010004, 413,
    'The number of documents edited by this request exceeds the configured server limit.'],
  ['services.storage.not_found', 0x0101000b, 404, 'Document "%s" not found in "%s":"%s".'],
  ['services.storage.search_as_an_id', 0x0101000f, 400, '_search is not a valid document identifier'],
  ['services.storage.document_already_exists', 0x01010011, 400, 'Document already exists.'],
  ['services.storage.invalid_argument', 0x01010013, 400, 'Argument "%s" is invalid (expected: %s)'],
  ['services.storage.collection_reserved', 0x01010016, 400,
    'Invalid collection name. "%s" is reserved for internal usage.'],
  ['services.storage.index_already_exists', 0x01010026, 412, 'A %s index named "%s" already exists'],
  ['services.storage.invalid_index_name', 0x01010029, 400, 'The index name "%s" is invalid'],
  ['services.storage.invalid_collection_name', 0x0101002a, 400, 'The collection name "%s" is invalid'],
  ['services.storage.strict_mapping_rejection', 0x0101002b, 400,
    'Cannot create document. Field "%s" is not present in collection "%s:%s" strict mapping'],
  ['services.storage.invalid_query_keyword', 0x0101002f, 400, 'The "%s" keyword is not allowed in this query.'],
  ['api.assert.invalid_type', 0x02010001, 400, 'Wrong type for argument "%s" (expected: %s)'],
  ['api.assert.missing_argument', 0x02010003, 400, 'Missing argument "%s".'],
  ['api.assert.mutually_exclusive', 0x02010005, 400, 'Arguments "%s" and "%s" are mutually exclusive'],
  ['api.assert.body_required', 0x02010008, 400, 'The request must specify a body.'],
  ['api.process.controller_not_found', 0x02020004, 404, 'API controller "%s" not found.'],
  ['api.process.action_not_found', 0x02020005, 404, 'API action "%s":"%s" not found'],
  ['api.process.incomplete_multiple_request', 0x0202000a, 400, 'At least one of the %s actions failed.'],
];

/**
 * Define a test. Its function is given the name of an empty collection.
 */
function test(name, body) {
  tests.push({ name, body });
}

/**
 * Define a test with requests that can't be said by the SDK's HTTP, where names are part of
 * URLs, and arguments are strings.
 */
function testEnvelope(name, body) {
  if (transport !== 'http') {
    test(name, body);
  }
}

/**
 * Run the tests whose names contain one of the words, or all.
 */
async function run(words) {
  const chosen = tests.filter(({ name }) => !words.length || words.some((word) => name.includes(word)));

  await kuzzle.connect();
  assert.deepStrictEqual(await kuzzle.index.list(), [], 'the database must be empty');
  for (const [number, { name, body }] of chosen.entries()) {
    const collection = `test-${number + 1}`;

    try {
      await kuzzle.collection.create(INDEX, collection);
      await body(collection);
      console.log(`ok - ${name}`);
    } catch (error) {
      console.log(`not ok - ${name}\n${error.stack}`);
      process.exitCode = 1;
    }
  }
  await kuzzle.index.mDelete(await kuzzle.index.list());
  await kuzzle.protocol.close();
}

/**
 * Compare exactly; times in _kuzzle_info that lie within this run are 'now'.
 */
function same(actual, expected) {
  assert.deepStrictEqual(mask(actual), expected);
}

function mask(value) {
  if (Array.isArray(value)) {
    return value.map(mask);
  }
  if (value === null || typeof value !== 'object') {
    return value;
  }
  return Object.fromEntries(Object.entries(value).map(([key, inner]) =>
    [key, key === '_kuzzle_info' && inner ? maskTimes(inner) : mask(inner)]));
}

function maskTimes(info) {
  const masked = { ...info };

  for (const key of ['createdAt', 'updatedAt']) {
    if (masked[key] >= started && masked[key] <= Date.now()) {
      masked[key] = 'now';
    }
  }
  return masked;
}

/**
 * See that a call fails with this error of the catalogue, all of it; more has the
 * further keys that it must have.
 */
async function fails(call, id, props = [], more = {}) {
  const [, code, status, text] = CATALOGUE.find(([known]) => known === id);
  let next = 0;
  const expected = { id, code, status, message: text.replace(/%s/g, () => props[next++]), props, ...more };
  const error = await failure(call);

  assert.strictEqual(next, props.length);
  assert.deepStrictEqual(pick(error, Object.keys(expected)), expected);
}

/**
 * The KuzzleError of a call that must fail.
 */
async function failure(call) {
  let result;

  try {
    result = await call;
  } catch (error) {
    assert.strictEqual(error.constructor.name, 'KuzzleError', error.stack);
    return error;
  }
  return assert.fail(`did not fail: ${JSON.stringify(result)}`);
}

function pick(object, keys) {
  return Object.fromEntries(keys.map((key) => [key, object[key]]));
}

/**
 * See a document as it is stored.
 */
async function stored(collection, _id, _version, _source) {
  same(await kuzzle.document.get(INDEX, collection, _id), { _id, _version, _source });
}

/**
 * Run a function with a Kuzzle of its own, which is disconnected then.
 */
async function withKuzzle(protocol, body) {
  return withConnected(new Kuzzle(protocol), body);
}

/**
 * Run a function with a Kuzzle of this user.
 */
async function withUser(kuid, body) {
  return withConnected(makeKuzzle(kuid), body);
}

async function withConnected(other, body) {
  await other.connect();
  try {
    return await body(other);
  } finally {
    await other.protocol.close();
  }
}

/**
 * Wait until a condition holds; it should within seconds.
 */
async function until(condition) {
  for (const end = Date.now() + 20000; !await condition();) {
    assert.ok(Date.now() < end, `${condition}`);
    await new Promise((resolve) => { setTimeout(resolve, 5); });
  }
}

module.exports = {
  BatchController, CREATED, EXAMPLE, INDEX, Kuzzle, PostgreSQL, WRITTEN,
  failure, fails, kuzzle, pg, pick, run, same, stored, test, testEnvelope, transport, until, withKuzzle, withUser,
};
