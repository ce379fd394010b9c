/*
 * The tests of the SDKs, through a gateway: Kuzzle's by WebSocket, by HTTP and by
 * envelopes in HTTP, and Milvus'.
 */
'use strict';

const path = require('node:path');
const readline = require('node:readline');
const { spawn } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const { Gateway, crypto } = require('./harness');

/* Run a program of test/sdk, and say in each line of its tests how they got there. */
async function sdk(program, transport, env) {
  const child = spawn(process.execPath, [path.join(__dirname, '..', 'sdk', program)],
    { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, ...env, KZ_TRANSPORT: transport } });

  for await (const line of readline.createInterface({ input: child.stdout })) {
    console.log(line.replace(/^(not )?ok - /, (said) => `${said}${transport}: `));
  }
  if (await new Promise((resolve) => { child.exitCode === null ? child.on('close', resolve) : resolve(child.exitCode); }) !== 0) {
    process.exitCode = 1;
  }
}

async function main() {
  const secret = crypto.randomBytes(48).toString('base64');
  const file = path.join(fs.mkdtempSync(path.join(os.tmpdir(), 'kz-gateway-')), 'secret');

  fs.writeFileSync(file, secret);
  try {
    const role = process.env.PGUSER ?? os.userInfo().username;
    const gateway = await Gateway.start({ 'jwt-key': file, 'anonymous-role': role });
    const env = { KZ_GATEWAY: `127.0.0.1:${gateway.port}`, KZ_SECRET: secret, KZ_ROLE: role };

    for (const transport of ['websocket', 'http', 'envelope']) {
      await sdk('main.js', transport, env);
    }
    await sdk('milvus.js', 'http', env);
    await gateway.stop();
  } finally {
    fs.rmSync(path.dirname(file), { recursive: true });
  }
}

main().catch((error) => {
  console.log(`not ok - sdk\n${error.stack}`);
  process.exitCode = 1;
});
