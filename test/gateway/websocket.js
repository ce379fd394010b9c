/*
 * WebSockets as clients should not speak them, and as they may.
 */
'use strict';

const { Gateway, assert, frame, run, sleep, test, until } = require('./harness');

// One whose clients have all the time they need, and one whose have not.
let gateway;
let hurried;
const INDEX = 'gateway-websocket';
const now = (requestId) => ({ controller: 'server', action: 'now', requestId });

test('websocket: a gateway', async () => {
  gateway = await Gateway.start({ 'max-body': 100000 });
  hurried = await Gateway.start({ 'read-timeout': 1, 'idle-timeout': 4 });
  assert.strictEqual((await gateway.put(`/${INDEX}/c`)).status, 200);
});

/* Frames, and the code with which the gateway closes. */
const ODD = {
  'a frame that is not masked': [[frame('text', '{}', { masked: false })], 1002],
  'a reserved bit': [[frame('text', '{}', { reserved: 0x40 })], 1002],
  'an unknown opcode': [[frame(3, '{}')], 1002],
  'an unknown control opcode': [[frame(11, '')], 1002],
  'binary': [[frame('binary', '{}')], 1003],
  'a continuation of nothing': [[frame('continuation', '{}')], 1002],
  'a text within another': [[frame('text', '{', { final: false }), frame('text', '}')], 1002],
  'a ping in fragments': [[frame('ping', 'x', { final: false })], 1002],
  'a ping that is too large': [[frame('ping', 'x'.repeat(126))], 1002],
  'a text that is too large': [[frame('text', '', { length: 100001 })], 1009],
  'a text beyond all numbers': [[Buffer.concat([Buffer.from([0x81, 0xff]), Buffer.alloc(12, 0xff)])], 1009],
  'fragments that are too large': [[frame('text', 'x'.repeat(60000), { final: false }), frame('continuation', 'x'.repeat(60000))], 1009],
  'invalid UTF-8': [[frame('text', Buffer.from('"\xc3("', 'latin1'))], 1007],
  'a character that is cut off': [[frame('text', Buffer.from([0x22, 0xe2, 0x82]))], 1007],
  'a surrogate': [[frame('text', Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22]))], 1007],
  'a close of one byte': [[frame('close', 'x')], 1002],
  'a close with a code that may not be sent': [[frame('close', Buffer.from([0x03, 0xed]))], 1002],
  'a close with a reason that is not UTF-8': [[frame('close', Buffer.from([0x03, 0xe8, 0xc3, 0x28]))], 1007],
  'a close': [[frame('close', Buffer.from([0x0f, 0xa0]))], 4000],
  'a close without a code': [[frame('close')], 1005],
};

for (const [name, [frames, code]] of Object.entries(ODD)) {
  test(`websocket: ${name}`, async () => {
    const socket = (await gateway.socket()).send(...frames);

    assert.strictEqual(await socket.code(), code);
    await socket.raw.closed;
  });
}

// The SDK offers "null" where it takes the WebSocket of Node.js, which insists on an answer.
test('websocket: a protocol that is offered is accepted', async () => {
  for (const [offered, accepted] of [['null', 'null'], ['a, b', 'a'], ['', null], ['a b"', 'a'], ['"x', null]]) {
    const raw = await gateway.raw();

    raw.send(`GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n`
      + `Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: ${offered}\r\n\r\n`);
    assert.strictEqual(await raw.status(), 101);
    const [, answer = null] = /\r\nSec-WebSocket-Protocol: ([^\r]*)\r\n/.exec(raw.received.toString()) || [];
    assert.strictEqual(answer, accepted, offered);
    raw.socket.destroy();
  }
});

test('websocket: pings of both kinds', async () => {
  const socket = await gateway.socket();

  assert.strictEqual((await socket.say('{"p":1}').next()).text, '{"p":2}');
  assert.strictEqual((await socket.say(' { "p" : 1 }\n').next()).text, '{"p":2}');
  const pong = await socket.send(frame('ping', 'hello')).next();
  assert.deepStrictEqual([pong.opcode, pong.text], [10, 'hello']);
  assert.strictEqual((await socket.ask({ p: 2 })).error.id, 'api.assert.missing_argument');
  socket.raw.destroy();
});

test('websocket: fragments, with pings between them', async () => {
  const socket = await gateway.socket();
  const text = Buffer.from(JSON.stringify({ ...now('fragments'), volatile: { text: 'ü€😀' } }));

  for (let i = 0; i < text.length; i++) {
    socket.send(frame(i === 0 ? 'text' : 'continuation', text.subarray(i, i + 1), { final: false }), frame('ping', `${i}`));
  }
  socket.send(frame('continuation', ''));
  for (let i = 0; i < text.length; i++) {
    assert.strictEqual((await socket.next()).text, `${i}`);
  }
  const answer = await socket.json();
  assert.deepStrictEqual([answer.status, answer.volatile.text], [200, 'ü€😀']);
  socket.raw.destroy();
});

test('websocket: a byte at a time', async () => {
  const socket = await gateway.socket();

  for (const byte of frame('text', JSON.stringify(now('slowly')))) {
    socket.send(Buffer.from([byte]));
    await new Promise(setImmediate);
  }
  assert.strictEqual((await socket.json()).room, 'slowly');
  socket.raw.destroy();
});

test('websocket: many requests of one socket are answered as they come', async () => {
  const socket = await gateway.socket();
  const ids = Array.from({ length: 1000 }, (_, i) => `r${i}`);

  socket.send(...ids.map((id) => frame('text', JSON.stringify(now(id)))));
  const rooms = [];
  while (rooms.length < ids.length) {
    const { room, requestId, status } = await socket.json();

    assert.deepStrictEqual([status, room], [200, requestId]);
    rooms.push(room);
  }
  assert.deepStrictEqual(rooms.sort(), ids.sort());
  socket.raw.destroy();
});

test('websocket: what is not JSON is told so, and the socket lives on', async () => {
  const socket = await gateway.socket();

  for (const text of ['', '{', 'null and void', '{"a":"\\u0000"}', '['.repeat(50000)]) {
    const answer = await socket.say(text).json();

    assert.deepStrictEqual([answer.status, answer.error.id, answer.error.code, 'room' in answer],
      [400, 'network.websocket.unexpected_error', 0x03030001, false]);
  }
  for (const value of ['7', '"x"', '[]', 'null']) {
    assert.strictEqual((await socket.say(value).json()).status, 400);
  }
  assert.strictEqual((await socket.ask(now('still'))).room, 'still');
  socket.raw.destroy();
});

test('websocket: nothing is read after a close', async () => {
  const socket = (await gateway.socket()).send(frame('close', Buffer.from([0x03, 0xe8])), frame('text', JSON.stringify(now('late'))));

  assert.strictEqual(await socket.code(), 1000);
  assert.strictEqual(await socket.next(), null);
});

test('websocket: requests before the handshake has ended are read after it', async () => {
  const raw = await gateway.raw();

  raw.send(Buffer.concat([Buffer.from('GET /x HTTP/1.1\r\nHost: x\r\nUpgrade: WebSocket\r\nConnection: Upgrade\r\n' +
    'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n'), frame('text', JSON.stringify(now('early')))]));
  await until(() => raw.received.includes('"room": "early"'));
  raw.destroy();
});

test('websocket: what is asked before a close is answered before it', async () => {
  for (const [last, code] of [[frame('close', Buffer.from([0x03, 0xe8])), 1000], [frame('binary', ''), 1003]]) {
    const socket = (await gateway.socket()).send(frame('text', JSON.stringify(now('before'))), last);

    assert.strictEqual((await socket.json()).room, 'before');
    assert.strictEqual(await socket.code(), code);
    assert.strictEqual(await socket.next(), null);
  }
});

test('websocket: a ping is no part of the message that it interrupts', async () => {
  const socket = (await gateway.socket()).send(frame('text', 'x'.repeat(100000), { final: false }), frame('ping', 'hello'),
    frame('continuation', ''));

  assert.strictEqual((await socket.next()).text, 'hello');
  assert.strictEqual((await socket.json()).status, 400);
  socket.raw.destroy();
});

test('websocket: half a message may not take long, whatever else comes', async () => {
  for (const more of [frame('ping', ''), frame('continuation', '', { final: false })]) {
    const socket = (await hurried.socket()).send(frame('text', '{', { final: false }));
    const timer = setInterval(() => socket.send(more), 300);

    await Promise.race([socket.raw.closed, sleep(8000)]);
    clearInterval(timer);
    assert.ok(socket.raw.ended);
  }
});

test('websocket: half a message may not take long', async () => {
  const socket = (await hurried.socket()).send(frame('text', '{}', { length: 50 }));

  assert.strictEqual(await socket.next(), null);
});

test('websocket: who is silent is asked, and closed without an answer', async () => {
  const [alive, dead] = [await hurried.socket(), await hurried.socket()];

  for (let i = 0; i < 3; i++) {
    assert.strictEqual((await alive.next()).opcode, 9);
    alive.send(frame('pong'));
  }
  assert.strictEqual((await dead.next()).opcode, 9);
  assert.strictEqual(await dead.next(), null);
  assert.strictEqual((await alive.ask(now('here'))).room, 'here');
  alive.raw.destroy();
  assert.strictEqual((await hurried.stop()).code, 0);
});

test('websocket: a client that goes leaves nothing behind', async () => {
  for (let i = 0; i < 50; i++) {
    const socket = await gateway.socket();

    for (let n = 0; n < 20; n++) {
      socket.say({ controller: 'document', action: 'upsert', index: INDEX, collection: 'c', _id: `${i}`, body: { changes: { n } } });
    }
    socket.raw.destroy();
  }
  await until(async () => await gateway.metric('requests_in_progress') === 0 && await gateway.metric('websockets') === 0);
  assert.strictEqual((await gateway.request('GET', '/_now')).status, 200);
});

test('websocket: the end, of who is connected too', async () => {
  await gateway.request('DELETE', `/${INDEX}`);
  const socket = await gateway.socket();
  const end = gateway.stop();
  assert.strictEqual(await socket.code(), 1001);
  socket.raw.destroy();
  assert.strictEqual((await end).code, 0);
});

run();
