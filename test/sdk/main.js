/*
 * All tests, in the order of these files.
 */
'use strict';

const { run } = require('./harness');

for (const file of ['document', 'documents', 'conflict', 'definition', 'bulk', 'server', 'protocol']) {
  require(`./${file}`);
}
run(process.argv.slice(2)).catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
