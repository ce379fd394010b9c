/*
 * One action, one answer: by WebSocket, by the paths of HTTP, and by envelopes in HTTP.
 */
'use strict';

const { Gateway, assert, crypto, fs, run, sign, startCluster, test, withClient } = require('./harness');

const KEY = `/tmp/kz-gateway-doors-${crypto.randomUUID()}`;
const SECRET = crypto.randomBytes(48).toString('base64');
const token = (more) => sign({ sub: 'user-of-door', role: 'door', exp: Math.floor(Date.now() / 1000) + 600, ...more }, SECRET);

let gateway;

/** What an answer says, without what differs from one to the next. */
function said({ status, error, result }) {
  const { jwt, expiresAt, now, ...rest } = result ?? {};

  return { status, error: error && { id: error.id, code: error.code, message: error.message }, result: result && { ...rest, types: [jwt, expiresAt, now].map((value) => typeof value) } };
}

/** The answers by all doors to an action that has this path, which must be one. */
async function doors(path, envelope, body, jwt) {
  const headers = jwt === undefined ? {} : { Authorization: `Bearer ${jwt}` };
  const socket = await gateway.socket();
  const whole = { ...envelope, controller: envelope.controller ?? 'auth', body, ...(jwt !== undefined && { jwt }) };
  const [method, target] = path.split(' ');
  const answers = [
    await socket.ask({ ...whole, requestId: 'r' }), (await gateway.request(method, target, { body, headers: { 'Content-Type': 'application/json', ...headers } })).json,
    (await gateway.request(method, target.replace(/(?=\?|$)/, '/'), { body, headers: { 'Content-Type': 'application/json', ...headers } })).json,
    (await gateway.post('/_query', whole)).json, (await gateway.post('/_query', { ...whole, jwt: undefined }, headers)).json,
    (await gateway.post('/_query/?a', whole)).json,
  ];

  socket.raw.destroy();
  for (const answer of answers) {
    assert.deepStrictEqual(said(answer), said(answers[0]), path);
    // Of a path that it has not followed, the gateway does not know what it is.
    assert.ok(answer.action === whole.action || (answer.action === null && answer.status === 401), path);
  }
  return answers[0];
}

test('doors: a gateway', async () => {
  await startCluster();
  fs.writeFileSync(KEY, SECRET);
  await withClient((client) => client.query('CREATE DATABASE doors').catch(({ code }) => assert.strictEqual(code, '42P04')));
  await withClient((client) => client.query(`CREATE EXTENSION IF NOT EXISTS kz; DROP ROLE IF EXISTS door; CREATE ROLE door LOGIN PASSWORD 'open'`), { database: 'doors' });
  gateway = await Gateway.start({ 'jwt-key': KEY, database: 'dbname=doors user=postgres' });
});

test('doors: login', async () => {
  const good = await doors('POST /_login/local?expiresIn=5m', { action: 'login', strategy: 'local', expiresIn: '5m' }, { username: 'door', password: 'open' });
  const wrong = await doors('POST /_login/local', { action: 'login', strategy: 'local' }, { username: 'door', password: 'shut' });
  const half = await doors('POST /_login/local', { action: 'login', strategy: 'local' }, { username: 'door' });

  assert.deepStrictEqual([good.status, good.result._id, good.result.ttl], [200, 'door', 300000]);
  assert.deepStrictEqual([wrong.status, wrong.error.id], [401, 'plugin.strategy.missing_user']);
  assert.deepStrictEqual([half.status, half.error.id], [400, 'api.assert.missing_argument']);
  for (const strategy of ['github', 'LOCAL', 'local%20', '%6cocal']) {
    const other = await doors(`POST /_login/${strategy}`, { action: 'login', strategy }, { username: 'door', password: 'open' });

    assert.deepStrictEqual([other.status, other.error.message], [400, 'The only authentication strategy is "local".'], strategy);
  }
});

test('doors: checkToken', async () => {
  for (const [body, result] of [
    [{ token: token() }, { kuid: 'user-of-door', valid: true }], [{ token: token({ exp: 5 }) }, { state: 'Token expired', valid: false }], [{ token: 'x' }, { state: 'Invalid token.', valid: false }], [{}, { kuid: '-1', valid: true }],
  ]) {
    for (const jwt of [undefined, token(), 'x']) {
      const answer = await doors('POST /_checkToken', { action: 'checkToken' }, body, jwt);

      assert.strictEqual(answer.status, 200);
      assert.deepStrictEqual({ ...answer.result, expiresAt: undefined }, { ...result, expiresAt: undefined });
    }
  }
});

test('doors: getCurrentUser and others', async () => {
  for (const [jwt, status, id] of [[token(), 200, 'user-of-door'], ['x', 401], [undefined, 401], [token({ exp: 5 }), 401]]) {
    const answer = await doors('GET /_me', { action: 'getCurrentUser' }, undefined, jwt);

    assert.deepStrictEqual([answer.status, answer.result?._id], [status, id]);
    assert.strictEqual((await doors('GET /_now', { controller: 'server', action: 'now', _id: 0 }, undefined, jwt)).status, status);
  }
});

test('doors: what needs no token', async () => {
  const socket = await gateway.socket();

  for (const action of ['publicApi', 'healthCheck']) {
    for (const jwt of ['x', undefined]) {
      const answer = await socket.ask({ controller: 'server', action, jwt });

      assert.deepStrictEqual(said(answer), said((await gateway.request('GET', `/_${action}`, { headers: jwt && { Authorization: `Bearer ${jwt}` } })).json));
      assert.strictEqual(answer.status, 200);
    }
  }
  // What it is counts as the database reads it, and nothing that can be read as something else.
  for (const text of ['{"controller":"server","action":"publicApi","action":"now"}', '{"controller":"server","action":"publicApi","\\u0061ction":"now"}',
    '{"controller":"document","body":{"controller":"server","action":"publicApi"},"action":"get"}', '{"controller":["server"],"action":"publicApi"}']) {
    assert.strictEqual((await socket.say(text).json()).status, 401, text);
  }
  assert.strictEqual((await socket.say('{"controller":"x","\\u0063ontroller":"server","action":"now","action":"publicApi"}').json()).status, 200);
  socket.raw.destroy();
  for (const type of ['application/json', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x']) {
    const body = '{"controller":"server","action":"publicApi","x":"&controller=server&action=now&","y":"\r\n--x\r\nContent-Disposition: form-data; name=controller\r\n\r\nserver\r\n' +
      '--x\r\nContent-Disposition: form-data; name=action\r\n\r\nnow\r\n--x--"}';

    assert.strictEqual((await gateway.request('POST', '/_query', { body, headers: { 'Content-Type': type } })).status, 401, type);
  }
});

test('doors: logout', async () => {
  for (const jwt of ['x', undefined]) {
    assert.strictEqual((await doors('POST /_logout', { action: 'logout' }, undefined, jwt)).status, 401);
  }
  for (const leave of [
    async (jwt) => (await gateway.socket()).ask({ controller: 'auth', action: 'logout', jwt }), async (jwt) => (await gateway.post('/_logout/', undefined, { Authorization: `Bearer ${jwt}` })).json,
    async (jwt) => (await gateway.post('/_query', { controller: 'auth', action: 'logout', jwt })).json,
  ]) {
    const jwt = token({ jti: crypto.randomUUID() });

    assert.deepStrictEqual((await leave(jwt)).result, { acknowledged: true });
    assert.strictEqual((await doors('GET /_me', { action: 'getCurrentUser' }, undefined, jwt)).status, 401);
  }
});

test('doors: the end', async () => {
  fs.rmSync(KEY);
  assert.strictEqual((await gateway.stop()).code, 0);
});

run();
