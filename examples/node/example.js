/*
 * Documents of taxi rides, through Kuzzle's SDK. Connects as psql would (PGHOST,
 * PGUSER, PGDATABASE, …) to a database that has kz.
 */
'use strict';

const { Kuzzle } = require('kuzzle-sdk');
const { PostgreSQL } = require('./postgresql');

const kuzzle = new Kuzzle(new PostgreSQL({}, { kuid: 'dispatcher' }));

async function main() {
  await kuzzle.connect();
  await kuzzle.collection.create('example', 'rides', {
    mappings: {
      dynamic: 'strict',
      properties: { status: { type: 'keyword' }, fare: { dynamic: 'true', properties: {} } },
    },
  });

  // Creates the document: the changes, merged over the default.
  const created = await kuzzle.document.upsert('example', 'rides', 'ride-1', { fare: { total: 12.5 } },
    { default: { status: 'open' } });
  console.log(created);

  // Merges, in depth. "source" asks for the whole document.
  const updated = await kuzzle.document.update('example', 'rides', 'ride-1', { fare: { tip: 2 } },
    { source: true, retryOnConflict: 3 });
  console.log(updated._version, updated._source.fare, 'by', updated._source._kuzzle_info.updater);

  // Many at once, each with an outcome of its own.
  const { successes, errors } = await kuzzle.document.mUpsert('example', 'rides', [
    { _id: 'ride-1', changes: { status: 'paid' } },
    { _id: 'ride-2', changes: { status: 'open' }, default: { fare: { currency: 'USD' } } },
    { _id: 'ride-3', changes: { colour: 'yellow' } },
  ]);
  for (const { _id, created, _version } of successes) {
    console.log(_id, created ? 'created' : 'updated', 'version', _version);
  }
  for (const { document, status, reason } of errors) {
    console.log(document._id, status, reason);
  }

  // What Kuzzle would refuse, kz refuses with the same error.
  try {
    await kuzzle.document.update('example', 'rides', 'ride-4', { status: 'lost' });
  } catch (error) {
    console.log(error.status, error.id);
  }

  await kuzzle.index.delete('example');
}

main()
  .catch((error) => {
    console.error(error.message);
    process.exitCode = 1;
  })
  .finally(() => kuzzle.disconnect());
