/*
 * An upsert over HTTP as one would write it without kz: a process of Node.js, fastify,
 * a pool of pg, a prepared INSERT ... ON CONFLICT.  The answer is that of kz.
 *
 *	node server.js PORT CONNECTIONS
 *
 * Connects as libpq would.
 */
'use strict';

const { randomUUID } = require('node:crypto');
const fastify = require('fastify');
const { Pool } = require('pg');

const [port, connections] = process.argv.slice(2).map(Number);
const pool = new Pool({ max: connections });
const service = fastify();

service.post('/:index/:collection/:id/_upsert', async (request) => {
  const { index, collection, id } = request.params;
  const { rows } = await pool.query({
    name: 'upsert',
    text: `INSERT INTO bench.docs AS stored VALUES ($1, 1, $2)
      ON CONFLICT (_id) DO UPDATE SET _version = stored._version + 1, _source = stored._source || excluded._source
      RETURNING _version, xmax = 0 AS created`,
    values: [id, request.body.changes],
  });

  return {
    node: 'node',
    error: null,
    index,
    action: 'upsert',
    result: { _id: id, created: rows[0].created, _version: Number(rows[0]._version) },
    status: 200,
    headers: {},
    volatile: null,
    requestId: randomUUID(),
    collection,
    controller: 'document',
  };
});

service.listen({ port, host: '127.0.0.1' }).then((address) => console.log(address));
