/*
 * All tests, in the order of these files.
 */
'use strict';

const { run, transport } = require('./harness');

for (const file of ['document', 'documents', 'conflict', 'definition', 'bulk', 'server']) {
  require(`./${file}`);
}
if (transport === 'postgresql') {
  require('./protocol');
}
run(process.argv.slice(2)).catch((error) => {
  console.error(error);
  process.exit(1);
});
