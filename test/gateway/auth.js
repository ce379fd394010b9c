/*
 * Who clients are, and what they may do, on a server that asks for passwords. The
 * directory of that server is in KZ_CLUSTER.
 */
'use strict';

const fs = require('node:fs');
const net = require('node:net');
const path = require('node:path');
const { Gateway, assert, crypto, frame, listening, pg, run, sign, startCluster, test, until, withClient } = require('./harness');
const { example } = require('../sdk/transport');

const { Http, Kuzzle, WebSocket } = example('kuzzle-sdk');

const INDEX = 'gateway-auth';
const PASSWORD = 'wonder: land é';
const SECRET = crypto.randomBytes(48).toString('base64');
const { KZ_CLUSTER: dir } = process.env;
const file = (name) => path.join(dir, name);
const in10 = () => Math.floor(Date.now() / 1000) + 600;
const claims = (more = {}) => ({ sub: 'user-of-alice', role: 'alice', exp: in10(), ...more });
const bearer = (token) => ({ Authorization: `Bearer ${token}` });
const token = (role) => sign(claims({ role, sub: `user-of-${role}` }), SECRET);
const keys = crypto.generateKeyPairSync('rsa', {
  modulusLength: 2048, publicKeyEncoding: { type: 'spki', format: 'pem' }, privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
});
const config = { 'jwt-key': file('secret'), database: 'user=gateway', connections: 3, 'max-requests': 50 };

let gateway;

function signRsa(payload, key = keys.privateKey) {
  const signed = [{ alg: 'RS256', typ: 'JWT' }, payload].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.');

  return `${signed}.${crypto.sign('sha256', Buffer.from(signed), key).toString('base64url')}`;
}

const upsert = (id, changes, headers, to = gateway) => to.put(`/${INDEX}/items/${id}/_upsert`, { changes }, headers);
const login = (username, password, to = gateway, query = '') => to.post(`/_login/local${query}`, { username, password });

test('auth: a server, and a gateway', async () => {
  await startCluster();
  fs.writeFileSync(file('secret'), `${SECRET}\n`);
  fs.writeFileSync(file('short'), 'short');
  fs.writeFileSync(file('public'), keys.publicKey);
  fs.writeFileSync(file('private'), keys.privateKey);
  await withClient(async (client) => {
    await client.query(`CREATE EXTENSION kz;
      CREATE ROLE alice LOGIN PASSWORD '${PASSWORD}'; CREATE ROLE bob LOGIN PASSWORD 'bob'; CREATE ROLE carol;
      CREATE ROLE mallory LOGIN PASSWORD 'mallory'; CREATE ROLE trusted LOGIN PASSWORD 'trusted';
      CREATE ROLE gateway LOGIN NOINHERIT; GRANT alice, bob, carol, trusted TO gateway;
      SELECT kz_create_collection('${INDEX}', 'items'); SELECT kz_create_collection('${INDEX}', 'who');
      GRANT USAGE ON SCHEMA "${INDEX}" TO alice, bob;
      GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA "${INDEX}" TO alice; GRANT SELECT ON "${INDEX}".items TO bob;
      GRANT SELECT, INSERT, UPDATE ON "${INDEX}".who TO bob;
      CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN
        IF NEW._source ? 'fail' THEN RAISE EXCEPTION 'failed' USING ERRCODE = NEW._source->>'fail'; END IF;
        NEW._source = NEW._source || jsonb_build_object('by', current_user); RETURN NEW; END$$;
      CREATE TRIGGER stamp BEFORE INSERT OR UPDATE ON "${INDEX}".who FOR EACH ROW EXECUTE FUNCTION stamp();
      GRANT CREATE ON DATABASE postgres TO alice`);
    await client.query("SELECT kz_create_index('default')");
    await client.query('GRANT USAGE, CREATE ON SCHEMA "default" TO alice; GRANT USAGE ON SCHEMA "default" TO bob');
  });
  gateway = await Gateway.start(config);
});

test('auth: configurations that are refused', async () => {
  for (const [options, problem] of [
    [{ listen: '0.0.0.0:0' }, /listens on the loopback only/],
    [{ listen: '[::]:0' }, /listens on the loopback only/],
    [{ 'metrics-listen': '0.0.0.0:0', 'jwt-key': undefined }, /listens on the loopback only/],
    [{ 'jwt-key': file('short') }, /at least 32 bytes/],
    [{ 'jwt-key': file('missing') }, /can't be read/],
    [{ 'jwt-key': file('secret'), 'jwt-algorithm': 'none' }, /must be HS256 or RS256/],
    [{ 'jwt-key': file('secret'), 'jwt-algorithm': 'RS256' }, /no public key of RSA/],
    [{ 'jwt-key': file('secret'), 'anonymous-role': 'none' }, /must be a role/],
    [{ 'anonymous-role': 'carol' }, /no authentication/],
    [{ 'tls-cert': file('public') }, /need each other/],
    [{ 'tls-cert': file('public'), 'tls-key': file('private') }, /can't be used/],
    [{ connections: 'many' }, /not a fitting number/],
    [{ nonsense: '1' }, /no option --nonsense/],
  ]) {
    const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
    const refused = await Gateway.start(given, { connected: false });
    const { code, log } = await refused.ended;

    assert.ok(code === 1 || code === 2, `${JSON.stringify(options)}: ${code}`);
    assert.match(log, problem);
  }
  const open = await Gateway.start({ ...config, listen: '0.0.0.0:0' });
  assert.strictEqual((await open.stop()).code, 0);
});

test('auth: without a token', async () => {
  const kuzzle = await upsert('a', {});
  const milvus = await gateway.post('/v2/vectordb/collections/list', {}, { Authorization: 'Bearer' });
  const socket = await gateway.socket();
  const framed = await socket.ask({ controller: 'document', action: 'get', index: INDEX, collection: 'items', _id: 'a', requestId: 'r', volatile: { a: [1] } });

  assert.deepStrictEqual([kuzzle.status, kuzzle.json.status, kuzzle.json.error.id, kuzzle.headers['www-authenticate']],
    [401, 401, 'security.rights.unauthorized', 'Bearer']);
  assert.deepStrictEqual([milvus.status, milvus.json], [401, { code: 1800, message: "user hasn't authenticated" }]);
  assert.deepStrictEqual([framed.status, framed.error.code, framed.room, framed.requestId, framed.volatile, framed.action],
    [401, 0x07030001, 'r', 'r', { a: [1] }, 'get']);
  // A frame says once more in escapes what it is, or twice: the last counts.
  for (const text of ['{"controller":"auth","controller":"server","action":"now"}', '{"\\u0063ontroller":"server","action":"now","jwt":"","requestId":"x"}']) {
    assert.strictEqual((await socket.say(text).json()).status, 401);
  }
  socket.raw.destroy();
});

test('auth: what works without a token', async () => {
  for (const target of ['/_publicApi', '/_healthCheck', '/_healthcheck', '/_ready', '/_healthCheck?services=storageEngine']) {
    assert.strictEqual((await gateway.request('GET', target)).status, 200, target);
  }
  for (const target of ['/', '/_serverInfo', '/_publicApi/', '/_publicApi/../gateway-auth/_list', '/%5fpublicApi', '//_publicApi', 'http://x/_publicApi']) {
    assert.strictEqual((await gateway.request('GET', target)).status, 401, target);
  }
  assert.strictEqual((await gateway.request('OPTIONS', `/${INDEX}/items/a`)).status, 200);
  assert.strictEqual((await gateway.request('POST', '/_publicApi')).status, 401);
});

test('auth: a token makes the role and the user', async () => {
  const made = await upsert('a', { n: 1 }, bearer(token('alice')));
  const socket = await gateway.socket();
  const framed = await socket.ask({
    controller: 'document', action: 'get', index: INDEX, collection: 'items', _id: 'a', jwt: token('bob'), requestId: 'r',
  });

  assert.deepStrictEqual([made.status, made.json.result.created], [200, true]);
  assert.deepStrictEqual([framed.status, framed.result._source._kuzzle_info.author], [200, 'user-of-alice']);
  assert.strictEqual((await socket.ask({ controller: 'auth', action: 'getCurrentUser', jwt: token('bob') })).result._id, 'user-of-bob');
  assert.strictEqual((await gateway.post('/v2/vectordb/databases/list', {}, bearer(token('alice')))).json.code, 0);
  assert.strictEqual((await upsert('a', { n: 1 }, { Authorization: `bearer  ${token('alice')}` })).status, 200);
  socket.raw.destroy();
});

test('auth: a role may do what it may do', async () => {
  const socket = await gateway.socket();
  const denied = await upsert('a', { n: 2 }, bearer(token('bob')));
  const framed = await socket.ask({
    controller: 'document', action: 'update', index: INDEX, collection: 'items', _id: 'a', body: {}, jwt: token('bob'), requestId: 'r',
  });

  assert.deepStrictEqual([denied.status, denied.json.error.id, denied.json.error.code], [403, 'security.rights.forbidden', 0x07030002]);
  assert.match(denied.json.error.message, /permission denied/);
  assert.deepStrictEqual([framed.status, framed.error.id, framed.room], [403, 'security.rights.forbidden', 'r']);
  // carol sees no schema, mallory's role is not the gateway's to give, nobody knows dave.
  for (const role of ['carol', 'mallory', 'dave', 'postgres', 'alice; RESET ROLE', 'ALICE', '"alice"']) {
    assert.strictEqual((await gateway.request('GET', `/${INDEX}/items/a`, { headers: bearer(token(role)) })).status, 403, role);
  }
  await gateway.post('/v2/vectordb/collections/create', { collectionName: 'films', dimension: 2 }, bearer(token('alice')));
  const milvus = await gateway.post('/v2/vectordb/entities/upsert',
    { collectionName: 'films', data: [{ id: 1, vector: [1, 2] }] }, bearer(token('bob')));
  assert.deepStrictEqual([milvus.status, milvus.json.code], [403, 1401]);
  socket.raw.destroy();
});

const now = () => Math.floor(Date.now() / 1000);
const encode = (value) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');
const FORGED = {
  'of algorithm none': () => `${encode({ alg: 'none' })}.${encode(claims())}.`,
  'of algorithm None': () => `${encode({ alg: 'None' })}.${encode(claims())}.`,
  'of algorithm none, with a signature': () => sign(claims(), SECRET, { alg: 'none' }),
  'of no algorithm': () => sign(claims(), SECRET, { typ: 'JWT' }),
  'of HS512': () => {
    const signed = `${encode({ alg: 'HS512' })}.${encode(claims())}`;
    return `${signed}.${crypto.createHmac('sha512', SECRET).update(signed).digest('base64url')}`;
  },
  'of RS256': () => signRsa(claims()),
  'of another key': () => sign(claims(), `${SECRET}x`),
  'of an empty key': () => sign(claims(), ''),
  'without signature': () => sign(claims(), SECRET).replace(/[^.]*$/, ''),
  'with half a signature': () => sign(claims(), SECRET).slice(0, -20),
  'with other claims': () => sign(claims(), SECRET).split('.').map((part, i) => (i === 1 ? encode(claims({ role: 'bob' })) : part)).join('.'),
  'that begins later': () => sign(claims({ nbf: now() + 100 }), SECRET),
  'that begins later, and not at a whole second': () => sign(claims({ nbf: now() + 100.5 }), SECRET),
  'whose begin is text': () => sign(claims({ nbf: `${now() + 100}` }), SECRET),
  'whose end is beyond all time': () => sign(claims({ exp: 9e18 }), SECRET),
  'without end': () => sign({ sub: 'x', role: 'alice' }, SECRET),
  'whose end is text': () => sign(claims({ exp: `${in10()}` }), SECRET),
  'whose end is negative': () => sign(claims({ exp: -5 }), SECRET),
  'without user': () => sign({ role: 'alice', exp: in10() }, SECRET),
  'without role': () => sign({ sub: 'x', exp: in10() }, SECRET),
  'whose role is none': () => sign(claims({ role: 'none' }), SECRET),
  'whose role is empty': () => sign(claims({ role: '' }), SECRET),
  'whose role is a number': () => sign(claims({ role: 10 }), SECRET),
  'whose claims are an array': () => sign([claims()], SECRET),
  'whose claims are no JSON': () => `${encode({ alg: 'HS256' })}.${encode('{')}.x`,
  'that is garbage': () => 'garbage',
  'that is dots': () => '..',
  'that is long': () => `${'x'.repeat(9000)}.y.z`,
};

for (const [name, make] of Object.entries(FORGED)) {
  test(`auth: a token ${name}`, async () => {
    const { status, json } = await upsert('forged', {}, bearer(make()));

    assert.deepStrictEqual([status, json.error.id], [401, 'security.token.invalid']);
  });
}

test('auth: a token that has expired', async () => {
  const { status, json } = await upsert('forged', {}, bearer(sign(claims({ exp: now() - 1 }), SECRET)));

  assert.deepStrictEqual([status, json.error.id], [401, 'security.token.expired']);
  assert.strictEqual((await gateway.request('GET', `/${INDEX}/items/forged`, { headers: bearer(token('alice')) })).status, 404);
});

test('auth: tokens of RS256, and a public key that is no secret', async () => {
  const verifies = await Gateway.start({ ...config, 'jwt-key': file('public'), 'jwt-algorithm': 'RS256', 'jwt-audience': 'kz' });
  const with_aud = (aud) => bearer(signRsa(claims({ aud })));

  assert.strictEqual((await upsert('rsa', {}, with_aud('kz'), verifies)).status, 200);
  assert.strictEqual((await upsert('rsa', {}, with_aud(['others', 'kz']), verifies)).status, 200);
  for (const bad of [
    sign(claims({ aud: 'kz' }), keys.publicKey), sign(claims({ aud: 'kz' }), keys.publicKey.trim()), sign(claims({ aud: 'kz' }), SECRET),
    signRsa(claims()), signRsa(claims({ aud: 'others' })), signRsa(claims({ aud: ['others'] })), signRsa(claims({ aud: { kz: 1 } })),
    signRsa(claims({ aud: 'kz' }), crypto.generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey),
  ]) {
    assert.strictEqual((await upsert('rsa', {}, bearer(bad), verifies)).status, 401);
  }
  assert.strictEqual((await login('alice', PASSWORD, verifies)).status, 403);
  assert.strictEqual((await verifies.stop()).code, 0);

  const signs = await Gateway.start({
    ...config, 'jwt-key': file('public'), 'jwt-algorithm': 'RS256', 'jwt-signing-key': file('private'), 'jwt-audience': 'kz',
  });
  const { json: { result } } = await login('alice', PASSWORD, signs);
  assert.strictEqual((await upsert('rsa', {}, bearer(result.jwt), signs)).status, 200);
  // What is no letter of a signature does not count, not even a point.
  const [header, payload, signature] = result.jwt.split('.');
  assert.strictEqual((await signs.post('/_logout', '', bearer(result.jwt))).status, 200);
  for (const written of [signature, `${signature}.`, `${signature.slice(0, 10)}.${signature.slice(10)}`, `.${signature}`]) {
    assert.strictEqual((await upsert('rsa', {}, bearer(`${header}.${payload}.${written}`), signs)).status, 401);
  }
  assert.strictEqual((await signs.stop()).code, 0);
});

test('auth: a login with a password', async () => {
  const before = Date.now();
  const { status, json: { result, controller, action } } = await login('alice', PASSWORD);
  const after = Date.now();
  const [header, payload] = result.jwt.split('.').slice(0, 2).map((part) => JSON.parse(Buffer.from(part, 'base64')));

  assert.deepStrictEqual([status, controller, action, result._id, result.ttl], [200, 'auth', 'login', 'alice', 3600000]);
  // A token knows whole seconds only.
  assert.ok(result.expiresAt > before + 3600000 - 1000 && result.expiresAt <= after + 3600000, `${before}, ${result.expiresAt}, ${after}`);
  assert.deepStrictEqual([header.alg, payload._id, payload.sub, payload.role, payload.exp * 1000], ['HS256', 'alice', 'alice', 'alice', result.expiresAt]);
  assert.strictEqual((await upsert('login', {}, bearer(result.jwt))).status, 200);
  for (const [asked, ttl] of [['5m', 300000], ['90s', 90000], ['7200000', 3600000], ['2h', 3600000], ['-1', 3600000], ['600000', 600000],
    ['1x', 3600000], ['nan', 3600000]]) {
    assert.strictEqual((await login('alice', PASSWORD, gateway, `?expiresIn=${asked}`)).json.result.ttl, ttl, asked);
  }
});

test('auth: logins that fail', async () => {
  for (const [user, password] of [
    ['alice', 'wrong'], ['alice', ''], ['', 'x'], ['nobody', 'x'], ['alice', `${PASSWORD} `], ['carol', 'x'],
    ['trusted', 'wrong'], ['trusted', 'trusted'], ['gateway', 'x'], ['postgres', 'x'],
    ['user=postgres', 'x'], ["alice' user='postgres", 'x'], ['postgresql://postgres@/postgres', 'x'], ['none', 'x'],
  ]) {
    const { status, json } = await login(user, password);

    assert.deepStrictEqual([status, json.error.id], [401, 'plugin.strategy.missing_user'], user);
  }
  assert.strictEqual((await gateway.post('/_login/local', { username: 'alice' })).status, 400);
  assert.strictEqual((await gateway.post('/_login/local', '{')).status, 400);
  assert.strictEqual((await gateway.post('/_login/local', { username: ['alice'], password: PASSWORD })).status, 400);
  assert.strictEqual((await gateway.post('/_login/local', '{"username":"alice","password":"a\\u0000b"}')).status, 400);
});

test('auth: nobody waits for the logins of clients that have gone', async () => {
  // Between the gateway and the server: lets nothing through until it is told.
  const fronts = new Set();
  let go;
  const going = new Promise((resolve) => { go = resolve; });
  const between = await listening(net.createServer((front) => {
    fronts.add(front.on('error', () => {}));
    going.then(() => {
      const back = net.connect(`${process.env.PGHOST}/.s.PGSQL.${process.env.PGPORT}`);

      front.pipe(back).on('error', () => {}).pipe(front);
    });
  }));
  const slow = await Gateway.start({ ...config, logins: 1, connections: 1, database: `host=127.0.0.1 port=${between.address().port} sslmode=disable user=gateway` },
    { connected: false });
  const sockets = await Promise.all(Array.from({ length: 100 }, () => slow.socket()));

  sockets.forEach((socket, i) => socket.send(...[0, 1].map((n) => frame('text', JSON.stringify(
    { controller: 'auth', action: 'login', strategy: 'local', body: { username: `nobody ${i}`, password: `wrong ${n}` }, requestId: `${i}` })))));
  await until(async () => await slow.metric('requests_in_progress') === 200);
  sockets.forEach(({ raw }) => raw.socket.resetAndDestroy());
  await until(async () => await slow.metric('clients') <= 1);
  go();
  assert.strictEqual((await login('alice', PASSWORD, slow)).status, 200);
  // The one that had begun, and this.
  assert.strictEqual(await slow.metric('logins_total'), 2);
  await until(async () => await slow.metric('requests_in_progress') === 0);
  assert.strictEqual((await slow.stop()).code, 0);
  fronts.forEach((front) => front.destroy());
  between.close();
});

test('auth: a server that is full has not looked at the password', async () => {
  const clients = [];
  const refused = await (async () => {
    for (;;) {
      const client = new pg.Client();

      try {
        await client.connect();
        clients.push(client);
      } catch (error) {
        return error;
      }
    }
  })();

  try {
    assert.strictEqual(refused.code, '53300');
    assert.strictEqual((await login('alice', PASSWORD)).status, 503);
  } finally {
    await Promise.all(clients.map((client) => client.end()));
  }
  await until(async () => (await login('alice', PASSWORD)).status === 200);
});

test('auth: what the gateway knows for itself does not help a client', async () => {
  const generous = await Gateway.start(config, { env: { PGPASSWORD: PASSWORD } });

  assert.strictEqual((await login('alice', '', generous)).status, 401);
  assert.strictEqual((await login('alice', 'wrong', generous)).status, 401);
  assert.strictEqual((await generous.stop()).code, 0);
});

test('auth: checkToken and logout', async () => {
  const { json: { result: { jwt, expiresAt } } } = await login('alice', PASSWORD);
  const other = (await login('alice', PASSWORD)).json.result.jwt;
  const check = async (value) => (await gateway.post('/_checkToken', { token: value })).json.result;

  assert.deepStrictEqual(await check(jwt), { expiresAt, kuid: 'alice', valid: true });
  assert.deepStrictEqual(await check(''), { expiresAt: -1, kuid: '-1', valid: true });
  assert.deepStrictEqual(await check('x'), { state: 'Invalid token.', valid: false });
  assert.deepStrictEqual(await check(sign(claims({ exp: 5 }), SECRET)), { state: 'Token expired', valid: false });
  assert.strictEqual((await gateway.post('/_logout', '')).status, 401);
  assert.strictEqual((await gateway.post('/_logout', '', bearer(jwt))).status, 200);
  assert.deepStrictEqual(await check(jwt), { state: 'Invalid token.', valid: false });
  assert.strictEqual((await upsert('logout', {}, bearer(jwt))).status, 401);
  assert.strictEqual((await upsert('logout', {}, bearer(other))).status, 200);
  // The last character of a signature has bits that don't count.
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  for (const c of letters) {
    assert.strictEqual((await upsert('logout', {}, bearer(jwt.slice(0, -1) + c))).status, 401);
  }
  assert.strictEqual((await upsert('logout', {}, bearer(`${jwt}=`))).status, 401);
});

test('auth: the SDK logs in by WebSocket', async () => {
  const kuzzle = new Kuzzle(new WebSocket('127.0.0.1', { port: gateway.port, autoReconnect: false, pingInterval: 60000 }));

  await kuzzle.connect();
  await assert.rejects(kuzzle.auth.login('local', { username: 'alice', password: 'wrong' }), { id: 'plugin.strategy.missing_user' });
  await assert.rejects(kuzzle.auth.login('magic', { username: 'alice', password: PASSWORD }), { status: 400 });
  const jwt = await kuzzle.auth.login('local', { username: 'alice', password: PASSWORD }, '1h');
  assert.strictEqual(kuzzle.jwt, jwt);
  assert.strictEqual(await kuzzle.isAuthenticated(), true);
  assert.strictEqual((await kuzzle.auth.checkToken()).kuid, 'alice');
  assert.strictEqual((await kuzzle.document.upsert(INDEX, 'items', 'sdk', { a: 1 }))._version, 1);
  await kuzzle.auth.logout();
  assert.strictEqual((await kuzzle.auth.checkToken(jwt)).valid, false);
  await assert.rejects(kuzzle.document.get(INDEX, 'items', 'sdk'), { id: 'security.rights.unauthorized' });
  kuzzle.disconnect();
});

test('auth: the SDK logs in by HTTP', async () => {
  const kuzzle = new Kuzzle(new Http('127.0.0.1', { port: gateway.port }));

  await kuzzle.connect();
  await kuzzle.auth.login('local', { username: 'alice', password: PASSWORD });
  assert.strictEqual((await kuzzle.document.get(INDEX, 'items', 'sdk'))._source.a, 1);
  await kuzzle.auth.logout();
  await assert.rejects(kuzzle.document.get(INDEX, 'items', 'sdk'), { status: 401 });
  kuzzle.disconnect();
});

test("auth: Milvus' user and password", async () => {
  const fresh = await Gateway.start(config);
  const list = (user, password) => fresh.post('/v2/vectordb/collections/list', {}, bearer(`${user}:${Buffer.from(password).toString('latin1')}`));
  const answers = await Promise.all(Array.from({ length: 50 }, () => list('alice', PASSWORD)));

  assert.deepStrictEqual([...new Set(answers.map(({ status, json }) => `${status} ${json.code}`))], ['200 0']);
  assert.strictEqual((await list('alice', PASSWORD)).json.code, 0);
  assert.strictEqual(await fresh.metric('logins_total'), 1);
  for (const [user, password] of [['alice', 'wrong'], ['alice', ''], ['', 'x'], ['trusted', 'x'], ['bob', PASSWORD]]) {
    const { status, json } = await list(user, password);

    assert.deepStrictEqual([status, json.code], [401, 1800]);
  }
  // mallory logs in, but her role is not the gateway's to give.
  assert.strictEqual((await list('mallory', 'mallory')).status, 403);
  assert.strictEqual((await fresh.stop()).code, 0);
  // On Kuzzle's paths a token is a token.
  assert.strictEqual((await upsert('a', {}, bearer('bob:bob'))).status, 401);
});

test('auth: many logins at a time wait for each other', async () => {
  const statuses = await Promise.all(Array.from({ length: 60 }, (_, i) => login('alice', i % 3 ? `wrong ${i}` : PASSWORD).then(({ status }) => status)));

  assert.deepStrictEqual(statuses, Array.from({ length: 60 }, (_, i) => (i % 3 ? 401 : 200)));
});

test('auth: clients that leave during a login', async () => {
  for (let i = 0; i < 20; i++) {
    const socket = await gateway.socket();

    socket.say({ controller: 'auth', action: 'login', strategy: 'local', body: { username: 'alice', password: `wrong ${i}` } });
    setTimeout(() => socket.raw.destroy(), i);
  }
  await until(async () => await gateway.metric('requests_in_progress') === 0);
});

test('auth: no request runs as the role of another', async () => {
  const roles = ['alice', 'bob'];
  const sockets = await Promise.all(Array.from({ length: 12 }, () => gateway.socket()));
  const upserts = (socket, i) => Array.from({ length: 150 }, (_, n) => {
    const role = roles[(i + n) % 2];
    // Some fail: in the call, at the role, by a crossed right, in JSON.
    const kind = n % 10;
    const request = {
      controller: 'document', action: 'upsert', index: INDEX, collection: kind === 7 && role === 'bob' ? 'items' : 'who',
      _id: `${i}-${n}`, requestId: `${role}-${kind}`, body: { changes: kind === 3 ? { fail: '40001' } : { n } },
      jwt: kind === 5 ? token('mallory') : token(role),
    };

    return frame('text', kind === 9 ? `${JSON.stringify(request)} what` : JSON.stringify(request));
  });

  await Promise.all(sockets.map(async (socket, i) => {
    socket.send(...upserts(socket, i));
    for (let n = 0; n < 150; n++) {
      const { status, room, error } = await socket.json();
      const [role, kind] = room?.split('-') ?? [];
      const expected = { 3: 503, 5: 403, 7: role === 'bob' ? 403 : 200 }[kind] ?? (room ? 200 : 400);

      assert.strictEqual(status, expected, `${room} ${JSON.stringify(error)}`);
    }
  }));
  await withClient(async (client) => {
    const { rows } = await client.query(`SELECT _id, _source->>'by' AS by FROM "${INDEX}".who`);

    assert.ok(rows.length >= 12 * 150 * 0.6);
    for (const { _id, by } of rows) {
      const [i, n] = _id.split('-').map(Number);

      assert.strictEqual(by, roles[(i + n) % 2], _id);
    }
  });
  sockets.forEach(({ raw }) => raw.destroy());
});

test('auth: a role does not outlive its request', async () => {
  const single = await Gateway.start({ ...config, connections: 1 });

  await withClient(async (client) => {
    const call = 'FUNCTION kz_http(text, text, jsonb, text, text)';

    // What needs no token runs as the gateway itself, who now must not do what bob may.
    await client.query(`REVOKE EXECUTE ON ${call} FROM PUBLIC; GRANT EXECUTE ON ${call} TO bob`);
    try {
      for (let i = 0; i < 3; i++) {
        assert.strictEqual((await single.request('GET', `/${INDEX}/items/a`, { headers: bearer(token('bob')) })).status, 200);
        assert.strictEqual((await single.request('GET', '/_publicApi')).status, 403);
      }
    } finally {
      await client.query(`GRANT EXECUTE ON ${call} TO PUBLIC`);
    }
  });
  assert.strictEqual((await single.request('GET', '/_publicApi')).status, 200);
  assert.strictEqual((await single.stop()).code, 0);
});

test('auth: a role for the anonymous', async () => {
  const open = await Gateway.start({ ...config, 'anonymous-role': 'bob' });

  assert.strictEqual((await open.request('GET', `/${INDEX}/items/a`)).json.result._id, 'a');
  assert.strictEqual((await upsert('a', {}, {}, open)).status, 403);
  assert.strictEqual((await upsert('a', {}, bearer('x'), open)).status, 401);
  assert.strictEqual((await upsert('a', {}, bearer(token('alice')), open)).status, 200);
  assert.strictEqual((await open.stop()).code, 0);
});

test('auth: pages of other sites', async () => {
  const strict = await Gateway.start({ ...config, 'allow-origin': 'https://ours.example' });

  assert.strictEqual((await strict.request('GET', '/_publicApi', { headers: { Origin: 'https://ours.example' } })).status, 200);
  assert.strictEqual((await strict.request('GET', '/_publicApi', { headers: { Origin: 'https://theirs.example' } })).status, 403);
  const raw = (await strict.raw()).send('GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
    'Origin: https://theirs.example\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n');
  assert.strictEqual(await raw.status(), 403);
  raw.destroy();
  assert.strictEqual((await strict.stop()).code, 0);
});

test('auth: the log has no secrets', async () => {
  assert.doesNotMatch(gateway.log, /wonder|eyJ|wrong \d/);
  assert.match(gateway.log, /kuid="user-of-alice" status=200/);
});

run();
