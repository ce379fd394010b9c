/*
 * Prints what changes in a collection whose setting "notifications" is "notify",
 * a line of JSON for each document.  Connects as psql would (PGHOST, PGUSER,
 * PGDATABASE, …), and again when the connection breaks.
 *
 *	node listen.js INDEX COLLECTION
 */
'use strict';

const pg = require('pg');

const RETRY_MS = 1000;
const NOT_FOUND = 'KZ404';

/**
 * Listen until the connection ends; then again.
 */
async function listen(index, collection) {
  for (;;) {
    const client = new pg.Client({ keepAlive: true });
    const ended = new Promise((resolve) => { client.once('end', resolve); });

    client.on('error', (error) => console.error(error.message));
    try {
      await client.connect();
      await subscribe(client, index, collection);
      await ended;
    } catch (error) {
      console.error(error.message);
      client.end().catch(() => {});
    }
    await new Promise((resolve) => { setTimeout(resolve, RETRY_MS); });
  }
}

async function subscribe(client, index, collection) {
  const { rows } = await client.query('SELECT kz_channel($1, $2) AS channel', [index, collection]);
  let printed = Promise.resolve();

  // What has to be fetched must not be overtaken by what comes after it.
  client.on('notification', ({ payload }) => {
    printed = printed
      .then(() => print(client, JSON.parse(payload)))
      .catch((error) => console.error(error.message));
  });
  await client.query(`LISTEN ${pg.escapeIdentifier(rows[0].channel)}`);
  // What has changed while nobody listened is in the collection alone.
  console.error(`listening to ${rows[0].channel}`);
}

async function print(client, told) {
  for (const result of told.results || [told.result]) {
    const { action = told.action, _id, _version, _source, _updatedFields } = result;
    const change = { action, _id, _version, _source, _updatedFields };

    if (result.truncated && action !== 'delete') {
      Object.assign(change, await fetch(client, told, _id));
    }
    console.log(JSON.stringify(change));
  }
}

/**
 * A document as it is now, which may be later than what was told; nothing if it
 * is gone.
 */
async function fetch(client, { index, collection }, id) {
  try {
    const { rows } = await client.query('SELECT kz_get($1, $2, $3) AS document', [index, collection, id]);

    return rows[0].document;
  } catch (error) {
    if (error.code === NOT_FOUND) {
      return {};
    }
    throw error;
  }
}

if (process.argv.length !== 4) {
  console.error('usage: node listen.js INDEX COLLECTION');
  process.exit(2);
}
listen(process.argv[2], process.argv[3]);
