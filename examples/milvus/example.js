/*
 * What the README shows. Connects as libpq would: PGHOST, PGPORT, PGUSER, PGDATABASE.
 */
'use strict';

const { HttpClient } = require('@zilliz/milvus2-sdk-node');
const { createFetch } = require('./postgresql');

async function main() {
  const fetch = createFetch();
  const milvus = new HttpClient({ endpoint: 'http://postgresql', fetch, acceptInt64: true });
  const collectionName = 'films';

  await milvus.dropCollection({ collectionName });
  await milvus.createCollection({ collectionName, dimension: 2 });
  console.log(await milvus.upsert({ collectionName, data: [
    { id: 1, vector: [0.1, 0.2], title: 'Metropolis', year: 1927 },
    { id: 2, vector: [0.3, 0.4], title: 'M', year: 1931 },
  ] }));
  console.log((await milvus.query({ collectionName, filter: 'year > 1930', outputFields: ['title'] })).data);
  console.log(await milvus.upsert({ collectionName, data: [{ id: 3, vector: [0.5] }] }));
  console.log((await milvus.delete({ collectionName, filter: 'id in [1, 99]' })).data);
  await fetch.close();
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
