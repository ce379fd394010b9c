/*
 * How the tests reach kz: through the protocol of examples/node, which is PostgreSQL's,
 * or through a gateway, by the SDK's own WebSocket or HTTP, or by requests of HTTP that
 * are envelopes.
 *
 *    KZ_TRANSPORT    postgresql (default), websocket, http or envelope
 *    KZ_GATEWAY      host:port of the gateway
 *    KZ_SECRET       what it verifies tokens with; its anonymous users must have the
 *                    rights of the role KZ_ROLE
 */
'use strict';

const crypto = require('node:crypto');
const path = require('node:path');
const { createRequire } = require('node:module');

const EXAMPLE = path.join(__dirname, '..', '..', 'examples', 'node');
const example = createRequire(path.join(EXAMPLE, 'package.json'));
const { Http, Kuzzle, KuzzleAbstractProtocol, WebSocket } = example('kuzzle-sdk');
const { PostgreSQL } = example('./postgresql');

const transport = process.env.KZ_TRANSPORT ?? 'postgresql';
const [host, port] = (process.env.KZ_GATEWAY ?? '').split(':');

/* Envelopes in the bodies of HTTP. */
class Envelope extends KuzzleAbstractProtocol {
  get connected() {
    return this.isReady();
  }

  async connect() {
    this.clientConnected();
  }

  send(request) {
    const headers = { 'Content-Type': 'application/json', ...(request.jwt && { Authorization: `Bearer ${request.jwt}` }) };

    fetch(`http://${this.host}:${this.port}/_query`, { method: 'POST', body: JSON.stringify(request), headers })
      .then((response) => response.json())
      .then((answer) => this.emit(request.requestId, answer));
  }
}

/* A token. */
function sign(claims, secret = process.env.KZ_SECRET, header = { alg: 'HS256', typ: 'JWT' }) {
  const signed = [header, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.');

  return `${signed}.${crypto.createHmac('sha256', secret).update(signed).digest('base64url')}`;
}

/* One for this user, good for ten minutes. */
function tokenOf(kuid, role = process.env.KZ_ROLE) {
  return sign({ sub: kuid, role, exp: Math.floor(Date.now() / 1000) + 600 });
}

/* A Kuzzle of a user, by default the anonymous one, not connected yet. */
function makeKuzzle(kuid) {
  if (transport === 'postgresql') {
    return new Kuzzle(new PostgreSQL({ application_name: 'test/sdk' }, { kuid }));
  }
  const Protocol = { envelope: Envelope, http: Http, websocket: WebSocket }[transport];
  const kuzzle = new Kuzzle(new Protocol(host, { port: Number(port), autoReconnect: false, pingInterval: 60000 }));

  if (kuid) {
    kuzzle.jwt = tokenOf(kuid);
  }
  return kuzzle;
}

module.exports = { EXAMPLE, PostgreSQL, example, makeKuzzle, sign, tokenOf, transport };
