#!/usr/bin/python3
"""Record what many clients do to a few documents at once, for check.py.

Connects as libpq would (PGHOST, PGPORT, PGUSER, PGDATABASE), as a superuser, to a database with the extension; makes the index "history" anew and
leaves it.  Writes a history to standard output; README.md says what is in it.
"""
import argparse
import json
import multiprocessing
import os
import random
import sys
import tempfile
import time

import psycopg

HERE = os.path.dirname(os.path.abspath(__file__))
TURNS = 25               # transactions of all clients for each document, after which other documents are used
EXPECTED = {"KZ400", "KZ404", "KZ409", "40001", "40P01"}


def timed(connection, sql, *arguments):
    """Execute a statement; returns its rows, and when it was sent and had been answered."""
    invoked = time.monotonic_ns()
    cursor = connection.execute(sql, arguments)
    rows = cursor.fetchall() if cursor.description else []
    return rows, [invoked, time.monotonic_ns()]


def content(source):
    """What is looked at in a document: who created it, which changes it has, and which of them by half."""
    left, right = set(source.get("left", ())), set(source.get("right", ()))
    return {"born": source.get("born"), "keys": sorted(left | right), "torn": sorted(left ^ right)}


def state(document):
    """A document that was read."""
    return {"id": document["_id"], "version": document["_version"], **content(document["_source"])}


def absent(document_id):
    """A document that was not there."""
    return {"id": document_id, "version": None}


class Client:
    """One of the clients: a session, its random numbers, and what it has seen."""

    def __init__(self, number, options, turn, output):
        self.number = number
        self.options = options
        self.turn = turn
        self.output = output
        self.random = random.Random(options.seed * 1000 + number)
        self.keys = 0
        self.seen = {}
        self.connection = connect(options)

    def chance(self, probability):
        return self.random.random() < probability

    def run(self):
        for _ in range(self.options.transactions):
            with self.turn.get_lock():
                epoch = self.turn.value // (TURNS * self.options.documents)
                self.turn.value += 1
            ids = ["d%d.%d" % (epoch, i) for i in range(self.options.documents)]
            if self.options.isolation == "read committed" and self.chance(0.6):
                step, error = self.call(*self.operation(ids))
                self.write([step], None if error else step["at"])
            else:
                self.transaction(ids)
        self.connection.close()

    def write(self, steps, commit):
        self.output.write(json.dumps({"client": self.number, "steps": steps, "commit": commit}) + "\n")

    def transaction(self, ids):
        """Some calls in a transaction, each perhaps in a savepoint that may be undone."""
        some = self.random.sample(ids, self.random.randint(1, 3))
        some += self.random.choices(some, k=self.random.randint(0, 2))
        # Who goes by the order of the ids meets no deadlock; most do.
        if self.chance(0.8):
            some.sort()
        steps = []
        self.connection.execute("BEGIN")
        for document_id in some:
            if not self.part(steps, document_id, ids):
                self.connection.execute("ROLLBACK")
                self.write(steps, None)
                return
            if self.chance(0.2):
                time.sleep(self.random.random() / 500)
        self.end(steps)

    def part(self, steps, document_id, ids):
        """A call of a transaction; false if the transaction cannot go on."""
        saved = self.chance(0.4)
        if saved:
            self.connection.execute("SAVEPOINT s")
            steps.append({"call": "savepoint"})
        step, error = self.call(*self.operation(ids, document_id))
        steps.append(step)
        if error and not (saved and error.startswith("KZ")):
            return False
        if saved and (error or self.chance(0.3)):
            self.connection.execute("ROLLBACK TO s")
            steps.append({"call": "rollback to"})
        elif saved:
            self.connection.execute("RELEASE s")
            steps.append({"call": "release"})
        return True

    def end(self, steps):
        if self.chance(0.2):
            self.connection.execute("ROLLBACK")
            self.write(steps, None)
            return
        try:
            _, commit = timed(self.connection, "COMMIT")
        except psycopg.Error as error:
            sqlstate(error)
            steps.append({"call": "commit", "error": error.sqlstate})
            commit = None
        self.write(steps, commit)

    #
    # Calls
    #
    def operation(self, ids, document_id=None):
        """A random operation and the entries that it is for."""
        first = document_id or self.random.choice(ids)
        several = self.random.sample(ids, self.random.randint(2, 4))
        if self.chance(0.3):
            several.append(several[0])
        operation = self.random.choices(
            (self.upsert, self.update, self.create, self.delete, self.get, self.mupsert, self.mupdate, self.mget, self.select),
            (28, 20, 5, 5, 12, 10, 7, 9, 4))[0]
        many = operation in (self.mupsert, self.mupdate, self.mget, self.select)
        entries = [self.entry(name) for name in (several if many else [first])]
        return operation, entries

    def entry(self, document_id):
        """A document with what a change would do to it, perhaps only in the version that was seen last."""
        self.keys += 1
        key = "%d.%d" % (self.number, self.keys)
        entry = {"id": document_id, "key": key, "changes": {"left": {key: 1}, "right": {key: 1}},
                 "default": {"born": key}, "if_version": None}
        # One of the documents is too long to be stored in line.
        if document_id.endswith(".0"):
            entry["default"]["pad"] = "%x" % self.random.getrandbits(12000)
        if self.chance(0.2):
            entry["if_version"] = self.seen.get(document_id, 0)
        return entry

    def call(self, operation, entries):
        """Do it; returns the step as it is recorded, and the SQLSTATE if it raised an error."""
        invoked = time.monotonic_ns()
        step = {"call": operation.__name__}
        try:
            step["results"], step["at"] = operation(entries)
            error = None
        except psycopg.Error as raised:
            step["at"] = [invoked, time.monotonic_ns()]
            step["error"] = error = sqlstate(raised)
            step["results"] = failures(operation.__name__, entries, raised)
        for result in step["results"]:
            if result.get("version"):
                self.seen[result["id"]] = result["version"]
        return step, error

    def one(self, function, entry, **arguments):
        """A call for one document; returns the answer and the times."""
        named = "".join(", %s => %%s" % name for name in arguments)
        rows, at = timed(self.connection, "SELECT %s('history', 'docs', id => %%s%s)" % (function, named),
                       entry["id"], *arguments.values())
        return rows[0][0], at

    def upsert(self, entries):
        entry, = entries
        if self.options.upsert != "kz_upsert":
            entry["if_version"] = None
        answer, at = self.one(self.options.upsert, entry, changes=json.dumps(entry["changes"]), defaults=json.dumps(entry["default"]),
                              if_version=entry["if_version"], retry_on_conflict=self.retries(), source=True)
        return [changed(entry, answer)], at

    def update(self, entries):
        entry, = entries
        answer, at = self.one("kz_update", entry, changes=json.dumps(entry["changes"]), if_version=entry["if_version"],
                              retry_on_conflict=self.retries(), source=True)
        return [changed(entry, answer)], at

    def create(self, entries):
        entry, = entries
        entry["if_version"] = None
        answer, at = self.one("kz_create", entry, body=json.dumps({**entry["default"], **entry["changes"]}))
        return [changed(entry, {**answer, "created": True})], at

    def delete(self, entries):
        entry, = entries
        answer, at = self.one("kz_delete", entry, if_version=entry["if_version"], source=True)
        return [{"do": "delete", "if_version": entry["if_version"], **state(answer)}], at

    def get(self, entries):
        entry, = entries
        answer, at = self.one("kz_get", entry)
        return [{"do": "read", **state(answer)}], at

    def retries(self):
        return 0 if self.chance(0.1) else 10

    def mupsert(self, entries):
        return self.many("kz_mupsert", entries, "changes")

    def mupdate(self, entries):
        return self.many("kz_mupdate", entries, "body")

    def many(self, function, entries, name):
        """A call for many documents.  An error holds its entry, the others are answered in their order."""
        documents = [{"_id": entry["id"], name: entry["changes"],
                      **({"default": entry["default"]} if name == "changes" else {}),
                      **({} if entry["if_version"] is None else {"if_version": entry["if_version"]})} for entry in entries]
        rows, at = timed(self.connection, "SELECT %s('history', 'docs', %%s)" % function, json.dumps(documents))
        answer = rows[0][0]
        failed = {key: error["status"] for error in answer["errors"] for key in error["document"][name]["left"]}
        successes = iter(answer["successes"])
        results = []
        for entry in entries:
            if entry["key"] not in failed:
                results.append(changed(entry, next(successes)))
                continue
            results.append({"do": "fail", "id": entry["id"], "key": entry["key"]})
            if failed[entry["key"]] == 404:
                results.append({"do": "read", **absent(entry["id"])})
        if next(successes, None):
            raise SystemExit("more successes than entries: %s" % answer)
        return results, at

    def mget(self, entries):
        rows, at = timed(self.connection, "SELECT kz_mget('history', 'docs', %s)", [entry["id"] for entry in entries])
        answer = rows[0][0]
        return [{"do": "read", **state(document)} for document in answer["successes"]] + \
            [{"do": "read", **absent(document_id)} for document_id in answer["errors"]], at

    def select(self, entries):
        """Documents as those see them who do not call kz."""
        ids = {entry["id"] for entry in entries}
        rows, at = timed(self.connection, "SELECT _id, _version, _source FROM history.docs WHERE _id = ANY (%s)", list(ids))
        found = [{"do": "read", **state(dict(zip(("_id", "_version", "_source"), row)))} for row in rows]
        return found + [{"do": "read", **absent(document_id)} for document_id in sorted(ids - {row[0] for row in rows})], at


def changed(entry, answer):
    """The result of a change that succeeded."""
    if entry["id"] != answer["_id"]:
        raise SystemExit("asked for %s, answered %s" % (entry["id"], answer))
    return {"do": "change", "key": entry["key"], "if_version": entry["if_version"],
            "created": answer.get("created", False), **state(answer)}


def failures(operation, entries, error):
    """What a call that has raised an error says about its documents."""
    results = []
    for entry in entries:
        if operation not in ("delete", "get", "mget", "select"):
            results.append({"do": "fail", "id": entry["id"], "key": entry["key"]})
        if error.sqlstate == "KZ404":
            results.append({"do": "read", **absent(entry["id"])})
        elif error.sqlstate == "KZ400":
            results.append({"do": "exists", "id": entry["id"]})
    return results


def sqlstate(error):
    """The SQLSTATE of an error that may come; any other ends the recording."""
    if error.sqlstate not in EXPECTED or (error.sqlstate == "KZ400" and "already exists" not in str(error)):
        raise error
    return error.sqlstate


def connect(options):
    connection = psycopg.connect(autocommit=True)
    connection.execute("SET deadlock_timeout = '20ms'")
    connection.execute("SET ROLE history_client")
    connection.execute("SET default_transaction_isolation = '%s'" % options.isolation)
    connection.execute("SET kz.direct_writes = '%s'" % options.direct)
    return connection


def make_collection(options):
    """Make the collection; returns how the writer reaches its table, as kz says itself."""
    said = []
    with psycopg.connect(autocommit=True) as connection:
        with open(os.path.join(HERE, "setup.sql")) as script:
            connection.execute(script.read())
        connection.execute("CALL history.make(%s)", [options.collection])
    with connect(options) as connection:
        connection.add_notice_handler(lambda notice: said.append(notice.message_primary))
        connection.execute("SET client_min_messages = debug1")
        connection.execute("SELECT kz_upsert('history', 'docs', 'any', '{}')")
        connection.execute("SELECT kz_delete('history', 'docs', 'any')")
    return next(message for message in said if " is accessed " in message)


def look_at_the_end(options, turns, output):
    """What is there once all clients have ended: each document twice, through kz and without it."""
    client = Client(options.clients, options, None, output)
    for epoch in range(turns // (TURNS * options.documents) + 1):
        entries = [client.entry("d%d.%d" % (epoch, i)) for i in range(options.documents)]
        for operation in (client.mget, client.select):
            step, _ = client.call(operation, entries)
            client.write([step], step["at"])
    client.connection.close()


def record(options, folder):
    access = make_collection(options)
    # Clients inherit open files, which other ways of starting a process don't do.
    processes = multiprocessing.get_context("fork")
    turn = processes.Value("i", 0)
    files = [open(os.path.join(folder, str(number)), "w+") for number in range(options.clients + 1)]
    clients = [processes.Process(target=client_process, args=(number, options, turn, files[number]))
               for number in range(options.clients)]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    if any(client.exitcode for client in clients):
        raise SystemExit("a client has failed")
    look_at_the_end(options, turn.value, files[-1])
    print(json.dumps({**vars(options), "access": access}))
    for file in files:
        file.seek(0)
        sys.stdout.writelines(file)


def client_process(number, options, turn, output):
    Client(number, options, turn, output).run()
    output.flush()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--transactions", type=int, default=200, help="of each client")
    parser.add_argument("--documents", type=int, default=5, help="at a time")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--isolation", default="read committed", choices=("read committed", "repeatable read", "serializable"))
    parser.add_argument("--collection", default="plain", choices=("plain", "trigger", "policy", "partitioned"))
    parser.add_argument("--direct", default="on", choices=("on", "off"))
    parser.add_argument("--upsert", default="kz_upsert", help="the function to call instead, one of setup.sql")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        record(options, folder)


main()
