/*
 * What the tests of the gateway share: a gateway, clients that need not be well-behaved,
 * tests that say "ok - ..." or "not ok - ...".
 */
'use strict';

const assert = require('node:assert');
const crypto = require('node:crypto');
const fs = require('node:fs');
const http = require('node:http');
const net = require('node:net');
const path = require('node:path');
const { execFileSync, spawn } = require('node:child_process');
const { example, sign } = require('../sdk/transport');

const pg = example('pg');
const PROGRAM = process.env.KZ_GATEWAY_PROGRAM ?? path.join(__dirname, '..', '..', 'gateway', 'kz-gateway');
const tests = [];
const gateways = new Set();

/* Keys that tests write are for nobody else, or the gateway refuses them. */
process.umask(0o077);

process.on('exit', () => gateways.forEach((gateway) => gateway.process.kill('SIGKILL')));

const sleep = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });

/** Define a test. */
function test(name, body) {
  tests.push({ name, body });
}

/** Run the tests whose names contain one of the words of the command line, or all. */
async function run() {
  const words = process.argv.slice(2);

  for (const { name, body } of tests) {
    if (words.length && !words.some((word) => name.includes(word))) {
      continue;
    }
    try {
      await body();
      console.log(`ok - ${name}`);
    } catch (error) {
      console.log(`not ok - ${name}\n${error.stack}`);
      process.exitCode = 1;
    }
  }
  for (const gateway of [...gateways]) {
    await gateway.stop();
  }
}

/** Wait until a condition holds; it should within seconds. */
async function until(condition, ms = 20000) {
  for (const end = Date.now() + ms; !await condition();) {
    assert.ok(Date.now() < end, `${condition}`);
    await sleep(10);
  }
}

/** A server of ours once it listens, at a port that was free. */
function listening(server) {
  return new Promise((resolve) => { server.listen(0, '127.0.0.1', () => resolve(server)); });
}

/** So many ports that nobody listens at, each another. */
async function freePorts(n) {
  const servers = await Promise.all(Array.from({ length: n }, () => listening(net.createServer())));
  const ports = servers.map((server) => server.address().port);

  await Promise.all(servers.map((server) => new Promise((resolve) => { server.close(resolve); })));
  return ports;
}

/** Run a function with a connection of pg. */
async function withClient(body, config = {}) {
  const client = new pg.Client(config);

  await client.connect();
  try {
    return await body(client);
  } finally {
    await client.end();
  }
}

/* What is done with the server whose directory is in KZ_CLUSTER. */
const cluster = (what) => execFileSync(path.join(__dirname, 'cluster'), [what, process.env.KZ_CLUSTER], { stdio: ['ignore', 'ignore', 'inherit'] });

/** Start it, and let all that follows connect to it as a superuser. */
async function startCluster() {
  cluster('start');
  const [socket] = fs.readdirSync(process.env.KZ_CLUSTER).filter((name) => /^\.s\.PGSQL\.\d+$/.test(name));

  Object.assign(process.env, { PGHOST: process.env.KZ_CLUSTER, PGPORT: socket.slice('.s.PGSQL.'.length), PGUSER: 'postgres', PGDATABASE: 'postgres' });
}

class Gateway {
  /** Start one, with these options; it can reach the database unless it is not to. */
  static async start(options = {}, { env = {}, connected = true, program = PROGRAM } = {}) {
    const gateway = new Gateway();

    [gateway.port, gateway.metricsPort] = await freePorts(2);
    // Raw requests say "Host: x", so that is one of its names.
    const all = {
      'allow-host': 'x', listen: `127.0.0.1:${gateway.port}`, 'metrics-listen': `127.0.0.1:${gateway.metricsPort}`, connections: 4, ...options,
    };
    gateway.log = '';
    const { KZ_GATEWAY_PROGRAM, ...inherited } = process.env;
    // An option that is not to be there is undefined, one that is there several times a list.
    gateway.process = spawn(program, Object.entries(all).flatMap(([name, value]) => (value === undefined ? [] : [].concat(value).map((one) => `--${name}=${one}`))),
      { stdio: ['ignore', 'ignore', 'pipe'], env: { ASAN_OPTIONS: 'quarantine_size_mb=16:exitcode=99', ...inherited, ...env } });
    gateways.add(gateway);
    gateway.process.stderr.on('data', (data) => { gateway.log += data; });
    gateway.ended = new Promise((resolve) => {
      gateway.process.on('close', (code, signal) => {
        gateways.delete(gateway);
        if (code !== 0 && connected) {
          console.log(`not ok - a gateway has ended with ${code ?? signal}\n${gateway.log.slice(-6000)}`);
          process.exitCode = 1;
        }
        resolve({ code: code ?? signal, log: gateway.log });
      });
    });
    if (connected) {
      await until(() => gateway.log.includes('connected to the database') || gateway.process.exitCode !== null);
    } else {
      await until(() => gateway.log.includes(' listens at ') || gateway.process.exitCode !== null);
    }
    return gateway;
  }

  stop(signal = 'SIGTERM') {
    this.process.kill(signal);
    return this.ended;
  }

  /** A request of HTTP on a connection of its own. */
  request(method, target, { body, headers = {}, agent = false } = {}) {
    return new Promise((resolve, reject) => {
      const bytes = body === undefined ? Buffer.alloc(0) : Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
      const length = body === undefined ? {} : { 'Content-Length': bytes.length };
      const options = { host: '127.0.0.1', port: this.port, method, path: target, headers: { ...length, ...headers }, agent };
      const request = http.request(options, (response) => {
        let text = '';

        response.setEncoding('utf8').on('data', (data) => { text += data; }).on('end', () => {
          const { statusCode: status, headers: answered } = response;
          const json = /json/.test(answered['content-type']) && text ? JSON.parse(text) : undefined;

          resolve({ status, headers: answered, text, json });
        }).on('error', reject);
      });

      request.on('error', reject);
      request.end(bytes);
    });
  }

  put(target, body, headers = {}) {
    return this.request('PUT', target, { body, headers: { 'Content-Type': 'application/json', ...headers } });
  }

  post(target, body, headers = {}) {
    return this.request('POST', target, { body, headers: { 'Content-Type': 'application/json', ...headers } });
  }

  async metric(name) {
    const text = await (await fetch(`http://127.0.0.1:${this.metricsPort}/metrics`)).text();

    return Number(new RegExp(`^kz_gateway_${name} (.*)$`, 'm').exec(text)[1]);
  }

  /** A connection for bytes. */
  raw() {
    return Raw.open(this.port);
  }

  async socket(headers) {
    const raw = await this.raw();

    return WebSocketClient.open(raw, headers);
  }
}

class Raw {
  static open(port) {
    const raw = new Raw();

    raw.received = Buffer.alloc(0);
    raw.socket = net.connect({ host: '127.0.0.1', port, allowHalfOpen: true });
    raw.closed = new Promise((resolve) => {
      raw.socket.on('end', () => { raw.ended = true; resolve(); }).on('close', () => { raw.ended = true; resolve(); });
    });
    raw.socket.on('error', () => {});
    raw.socket.on('data', (data) => { raw.received = Buffer.concat([raw.received, data]); });
    return new Promise((resolve, reject) => {
      raw.socket.on('connect', () => resolve(raw)).on('error', reject);
    });
  }

  send(bytes) {
    this.socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes);
    return this;
  }

  /** The status of the answer that comes first; "closed" if none comes. */
  async status() {
    await until(() => this.ended || /^HTTP\/1\.1 \d+/.test(this.received), 10000);
    return Number(/^HTTP\/1\.1 (\d+)/.exec(this.received)?.[1]) || 'closed';
  }

  async end() {
    await this.closed;
    return this.received.toString('latin1');
  }

  destroy() {
    this.socket.destroy();
  }
}

const OPCODES = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 };

/** A frame as a client sends it. */
function frame(opcode, payload = '', { final = true, masked = true, reserved = 0, length } = {}) {
  const bytes = Buffer.from(payload);
  const size = length ?? bytes.length;
  const head = [(final ? 0x80 : 0) | reserved | (OPCODES[opcode] ?? opcode)];
  const mask = crypto.randomBytes(4);
  const maskBit = masked ? 0x80 : 0;

  if (size < 126) {
    head.push(maskBit | size);
  } else if (size < 65536) {
    head.push(maskBit | 126, size >> 8, size & 0xff);
  } else {
    head.push(maskBit | 127, 0, 0, 0, 0, (size >>> 24) & 0xff, (size >> 16) & 0xff, (size >> 8) & 0xff, size & 0xff);
  }
  return masked ? Buffer.concat([Buffer.from(head), mask, bytes.map((byte, i) => byte ^ mask[i % 4])]) :
    Buffer.concat([Buffer.from(head), bytes]);
}

class WebSocketClient {
  static async open(raw, headers = '') {
    const socket = new WebSocketClient();

    socket.raw = raw;
    raw.send(`GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n` +
      `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n${headers}\r\n`);
    await until(() => raw.ended || raw.received.includes('\r\n\r\n'));
    assert.match(raw.received.toString('latin1'), /^HTTP\/1\.1 101 .*Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK\+xOo=\r\n/s);
    raw.received = raw.received.subarray(raw.received.indexOf('\r\n\r\n') + 4);
    return socket;
  }

  send(...frames) {
    this.raw.send(Buffer.concat(frames));
    return this;
  }

  say(value) {
    return this.send(frame('text', typeof value === 'string' ? value : JSON.stringify(value)));
  }

  /** The next frame from the gateway; NULL if the connection ends before. */
  async next() {
    let parsed;

    await until(() => { parsed = this.parse(); return parsed || this.raw.ended; }, 15000);
    return parsed ?? null;
  }

  parse() {
    const bytes = this.raw.received;

    if (bytes.length < 2) {
      return undefined;
    }
    const extra = { 126: 2, 127: 8 }[bytes[1]] ?? 0;
    const length = extra === 8 ? Number(bytes.length >= 10 && bytes.readBigUInt64BE(2)) : extra === 2 ?
      bytes.length >= 4 && bytes.readUInt16BE(2) : bytes[1];

    if (bytes.length < 2 + extra + length) {
      return undefined;
    }
    const payload = bytes.subarray(2 + extra, 2 + extra + length);

    this.raw.received = bytes.subarray(2 + extra + length);
    return { opcode: bytes[0] & 0xf, payload, text: payload.toString() };
  }

  async json() {
    const got = await this.next();

    assert.strictEqual(got?.opcode, OPCODES.text, `no text: ${got?.opcode}`);
    return JSON.parse(got.text);
  }

  /** The code with which the gateway closes. */
  async code() {
    const got = await this.next();

    assert.strictEqual(got?.opcode, OPCODES.close, `no close: ${got?.text}`);
    return got.payload.length ? got.payload.readUInt16BE(0) : 1005;
  }

  ask(request) {
    return this.say(request).json();
  }
}

module.exports = { Gateway, Raw, assert, cluster, crypto, frame, fs, http, listening, pg, run, sign, sleep, startCluster, test, until, withClient };
