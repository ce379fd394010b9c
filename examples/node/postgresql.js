/*
 * A protocol for Kuzzle's JavaScript SDK, as its WebSocket and Http are, that
 * needs no Kuzzle: the function kz_request of PostgreSQL answers the requests.
 */
'use strict';

const { KuzzleAbstractProtocol } = require('kuzzle-sdk');
const pg = require('pg');

/* What errors that PostgreSQL raises are for Kuzzle. */
const BAD_REQUEST = { id: 'services.storage.unexpected_bad_request', code: 0x01010021, status: 400 };
const FORBIDDEN = { id: 'security.rights.forbidden', code: 0x07030002, status: 403 };
const UNEXPECTED = { id: 'services.storage.unexpected_error', code: 0x01010023, status: 500 };

class PostgreSQL extends KuzzleAbstractProtocol {
  /**
   * @param config  what pg.Pool takes, all of it optional: host, port, user,
   *                database, ssl, max, statement_timeout, … and connectionString;
   *                or a pool of pg, which stays the caller's
   * @param options
   *    - `kuid`    the user on whose behalf (default: "-1", who is anonymous)
   *    - `schema`  where kz's functions are (default: where search_path finds them)
   */
  constructor(config = {}, { kuid = '-1', schema } = {}) {
    const pool = typeof config.query === 'function' ? config : null;
    const { host, port } = new pg.Client(pool ? pool.options : config);

    super(host, { port }, 'postgresql');
    this.kuid = kuid;
    this._config = config;
    this._pool = this._given = pool;
    this._query = `SELECT ${schema ? pg.escapeIdentifier(schema) + '.' : ''}kz_request($1, $2) AS answer`;
  }

  /**
   * `true` between connect() and close(). A pool replaces connections that break.
   */
  get connected() {
    return this.isReady();
  }

  /**
   * See that there is a server with kz.
   */
  async connect() {
    if (this.isReady()) {
      return;
    }
    if (!this._pool) {
      this._pool = new pg.Pool(this._config);
      // A connection that breaks while it is idle is no matter of any request,
      // and without a listener it would end the program.
      this._pool.on('error', () => {});
    }
    try {
      await this._ask({ controller: 'server', action: 'now' });
    } catch (error) {
      const failure = new Error(
        `Unable to connect to PostgreSQL at ${this.host}:${this.port}: ${error.message}`, { cause: error });

      this.emit('networkError', failure);
      throw failure;
    }
    this.clientConnected();
  }

  /**
   * Requests without an answer fail. Resolves when all connections are closed.
   */
  async close() {
    const pool = this._pool;

    super.close();
    // The SDK adds its listeners anew when it connects again.
    this.removeAllListeners();
    if (pool !== this._given) {
      this._pool = this._given;
      await pool.end();
    }
  }

  /**
   * Called by the SDK, which waits for an event that has the request's id.
   */
  send(request) {
    this._ask(request)
      .catch((error) => ({ error: toAnswer(error) }))
      .then((answer) => this.emit(request.requestId, answer));
  }

  async _ask(request) {
    const { rows } = await this._pool.query(this._query, [JSON.stringify(request), this.kuid]);

    return rows[0].answer;
  }
}

/*
 * The error of an answer, from which the SDK makes a KuzzleError. What is wrong
 * with the connection, rather than with the request, has no status: the SDK
 * throws it as it is.
 */
function toAnswer(error) {
  if (error.severity !== 'ERROR') {
    return error;
  }
  const sqlState = error.code;
  const kind = sqlState === '42501' ? FORBIDDEN : /^2[23]/.test(sqlState) ? BAD_REQUEST : UNEXPECTED;

  return { ...kind, message: error.message, props: [error.message, sqlState] };
}

module.exports = { PostgreSQL };
