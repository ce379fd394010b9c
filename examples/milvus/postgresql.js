/*
 * A fetch for Milvus' JavaScript SDK that needs no Milvus, nor any server of
 * HTTP: the function kz_http of PostgreSQL answers the requests.
 */
'use strict';

const pg = require('pg');

/**
 * Make a fetch, for the HttpClient of @zilliz/milvus2-sdk-node or for calls of your
 * own. Only path, method, headers and body of a request matter, not the host.
 *
 * @param config  what pg.Pool takes, all of it optional: host, port, user, database,
 *                ssl, max, …; or a pool of pg, which stays the caller's
 * @param options
 *    - `schema`  where kz's functions are (default: where search_path finds them)
 * @returns a function like fetch(), with a method close() that ends its pool.
 *          Errors that PostgreSQL raises reject it.
 */
function createFetch(config = {}, { schema } = {}) {
  const given = typeof config.query === 'function';
  const pool = given ? config : new pg.Pool(config);
  const query = `SELECT status, headers, body
    FROM ${schema ? pg.escapeIdentifier(schema) + '.' : ''}kz_http($1, $2, $3, $4)`;

  async function fetch(input, { method = 'GET', headers = {}, body = null, signal } = {}) {
    const { pathname, search } = new URL(input);
    const sent = Object.fromEntries(new Headers(headers));

    signal?.throwIfAborted();
    const { rows: [answer] } = await pool.query(query, [method.toUpperCase(), pathname + search, sent, body]);
    return new Response(answer.body, { status: answer.status, headers: answer.headers });
  }

  fetch.close = async () => {
    if (!given) {
      await pool.end();
    }
  };
  return fetch;
}

module.exports = { createFetch };
