#!/usr/bin/python3
"""Check histories that record.py has recorded.

    check.py [--as LEVEL] FILE ...

LEVEL is the isolation level to expect instead of the one that the history was recorded at.  Prints a line of figures for each history, and what is wrong with it: the kind of anomaly, how often, and the first few.  README.md says what the kinds
mean.  Exits with 1 if there was any, with 2 if a file is no history.
"""
import bisect
import collections
import json
import sys

SHOWN = 3


class Transaction:
    """Its commit took effect at some moment from lo to hi; None if it was rolled back."""

    def __init__(self, record, number):
        self.name = "T%d" % number
        self.lo, self.hi = record["commit"] or (None, None)
        self.steps = [Step(self, place, step) for place, step in enumerate(record["steps"])]
        self.calls = [step for step in self.steps if step.at]

    @property
    def committed(self):
        return self.lo is not None


class Step:
    """A call, or what begins and ends a savepoint."""

    def __init__(self, transaction, place, record):
        self.transaction = transaction
        self.place = place
        self.name = "%s.%d" % (transaction.name, place + 1)
        self.call = record["call"]
        self.at = record.get("at")
        self.results = record.get("results", ())
        self.undone = False


class Write:
    """A change or a deletion that is to last: its transaction has committed."""

    def __init__(self, step, place, result):
        self.step = step
        self.transaction = step.transaction
        self.place = (step.place, place)
        self.id, self.born, self.version = result["id"], result["born"], result["version"]
        self.key = result.get("key")
        self.keys = frozenset(result["keys"])


class Read:
    """What a step saw of a document that its own transaction had not written.

    What it saw is a state (born, version, keys), the absence of the document (version None), or, without knowing which state, that it was there
    (version "any").  It was so at some moment from since to until."""

    def __init__(self, step, result, since, until, node):
        self.step = step
        self.since, self.until = since, until
        self.node = node
        self.id, self.version = result["id"], result["version"]
        self.born = result.get("born")
        self.keys = frozenset(result.get("keys", ()))


class Life:
    """A document from its creation to its deletion: the changes by version."""

    def __init__(self, document_id, born):
        self.id, self.born = document_id, born
        self.changes = {}
        self.end = None
        self.keys = [frozenset()]       # by version

    @property
    def start(self):
        return self.changes.get(1)


class Line:
    """The states of a document in their order: absences and versions, each with the write that has brought it about."""

    def __init__(self, lives, with_absence):
        self.absences = []
        self.places = {}
        self.writes = []
        if with_absence:
            self.add_absence(None)
        for number, life in enumerate(lives):
            for version in sorted(life.changes):
                self.places[life.born, version] = len(self.writes)
                self.writes.append(life.changes[version])
            following = lives[number + 1] if number + 1 < len(lives) else None
            if life.end and not (following and following.start.transaction is life.end.transaction):
                self.add_absence(life.end)
        # since[i]: the moment before which no state from i on was surely there
        self.since = [write.transaction.hi if write else -1 for write in self.writes]
        for i in range(len(self.since) - 2, -1, -1):
            self.since[i] = min(self.since[i], self.since[i + 1])

    def add_absence(self, write):
        self.absences.append(len(self.writes))
        self.writes.append(write)

    def first(self, since):
        """The first state that may have been there at that moment or later."""
        return max(bisect.bisect_left(self.since, since) - 1, 0)

    def begun(self, place, until):
        """Whether the state may have been there before that moment."""
        return not self.writes[place] or self.writes[place].transaction.lo <= until


class Graph:
    """Which transaction, or which statement that reads, must come before which, and why:

    ww    it writes a document that the other writes next
    wr    the other reads what it writes
    rw    the other writes next what it reads
    so    it is a statement of the other
    next  it deletes a document that the other creates again: another row to PostgreSQL, so that the other's snapshot may be older"""

    def __init__(self):
        self.edges = collections.defaultdict(lambda: collections.defaultdict(set))

    def add(self, before, after, why):
        if before is not after:
            self.edges[before][after].add(why)

    def cycle(self, start, followers):
        """The shortest way from a node back to it, as a list of nodes."""
        came = {start: None}
        queue = collections.deque([start])
        while queue:
            node = queue.popleft()
            for after in followers(node):
                if after == start:
                    way = [start]
                    while node is not None:
                        way.append(node)
                        node = came[node]
                    return way[::-1]
                if after not in came:
                    came[after] = node
                    queue.append(after)
        raise AssertionError("no way back")

    def cycles(self, nodes, followers):
        """A cycle of each strongly connected component that has one."""
        return [self.cycle(component[0], lambda node, inside=set(component): [n for n in followers(node) if n in inside])
                for component in components(nodes, followers) if len(component) > 1]

    def committed_cycles(self):
        """Cycles of committed transactions: there is no serial order."""
        def followers(node):
            return [after for after in self.edges.get(node, ()) if after.committed]
        return [self.show(way) for way in self.cycles([node for node in list(self.edges) if node.committed], followers)]

    def snapshot_cycles(self):
        """Cycles without two consecutive rw edges, which no reading of snapshots brings about.  A node here is one of the graph, and whether it was
        reached by an rw edge."""
        def followers(node):
            for after, why in self.edges.get(node[0], {}).items():
                if why & {"ww", "wr", "so"}:
                    yield after, False
                elif "rw" in why and not node[1]:
                    yield after, True
        nodes = [(node, by_rw) for node in list(self.edges) for by_rw in (False, True)]
        return [self.show([node for node, _ in way]) for way in self.cycles(nodes, followers)]

    def show(self, way):
        return way[0].name + "".join(" -%s-> %s" % ("+".join(sorted(self.edges[before][after])), after.name)
                                     for before, after in zip(way, way[1:]))


def components(nodes, followers):
    """Strongly connected components, by Tarjan's algorithm without recursion."""
    index, low, on_stack, stack, found = {}, {}, set(), [], []
    for root in nodes:
        if root in index:
            continue
        work = [(root, iter(followers(root)))]
        index[root] = low[root] = len(index)
        stack.append(root)
        on_stack.add(root)
        while work:
            node, rest = work[-1]
            for after in rest:
                if after not in index:
                    index[after] = low[after] = len(index)
                    stack.append(after)
                    on_stack.add(after)
                    work.append((after, iter(followers(after))))
                    break
                if after in on_stack:
                    low[node] = min(low[node], index[after])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == index[node]:
                    component = []
                    while not component or component[-1] != node:
                        component.append(stack.pop())
                    on_stack.difference_update(component)
                    found.append(component)
    return found


class History:
    def __init__(self, lines, isolation=None):
        header, *records = [json.loads(line) for line in lines]
        self.isolation = isolation or header["isolation"]
        self.transactions = [Transaction(record, number) for number, record in enumerate(records, 2)]
        self.errors = collections.Counter(step.get("error") for record in records for step in record["steps"])
        self.anomalies = collections.defaultdict(list)
        self.changers = {}          # key → the step that adds it
        self.lasting = set()        # keys of changes that are to last
        self.lives = {}
        self.reads = []
        self.unsure = 0

    @property
    def snapshots(self):
        return self.isolation != "read committed"

    def wrong(self, kind, step, what, *arguments):
        self.anomalies[kind].append("%s: %s" % (step.name if step else "-", what % arguments))

    def check(self):
        for transaction in self.transactions:
            self.undo(transaction)
        for transaction in self.transactions:
            self.follow(transaction)
        for life in self.lives.values():
            self.check_life(life)
        for read in self.reads:
            self.check_content(read)
        lines = self.order_lives()
        for read in self.reads:
            self.check_time(read, lines[read.id])
        if self.snapshots:
            self.check_repeated()
        self.check_graph(lines)

    #
    # What lasts
    #
    def undo(self, transaction):
        """Which steps were undone, and which keys are to last."""
        savepoint = 0
        for step in transaction.steps:
            if step.call == "savepoint":
                savepoint = step.place
            elif step.call == "rollback to":
                for other in transaction.steps[savepoint:step.place]:
                    other.undone = True
        for step in transaction.steps:
            step.undone |= not transaction.committed
            for result in step.results:
                if "key" not in result:
                    continue
                if result["key"] in self.changers:
                    raise ValueError("the key %s is not unique" % result["key"])
                self.changers[result["key"]] = step
                if result["do"] == "change" and not step.undone:
                    self.lasting.add(result["key"])

    def follow(self, transaction):
        """Go through a transaction: each step sees what it has written itself, and else reads."""
        own, saved = {}, {}
        for step in transaction.steps:
            if step.call == "savepoint":
                saved = dict(own)
            elif step.call == "rollback to":
                own = dict(saved)
            for place, result in enumerate(step.results):
                if result["do"] == "fail":
                    continue
                if result.get("torn"):
                    self.wrong("half-applied change", step, "%s has %s by half", result["id"], result["torn"])
                self.see(step, result, own)
                if result["do"] == "change":
                    own[result["id"]] = (result["born"], result["version"], frozenset(result["keys"]))
                elif result["do"] == "delete":
                    own[result["id"]] = (None, None, frozenset())
                if result["do"] in ("change", "delete") and not step.undone:
                    self.write(Write(step, place, result))

    def see(self, step, result, own):
        """Compare what a result says about the document before it with what the transaction has written, or note it as a read."""
        before = self.before(step, result)
        expected = own.get(result["id"])
        if not expected:
            window = step.transaction.calls[0] if self.snapshots else step
            # What READ COMMITTED reads to change it is not read by a statement's snapshot.
            node = (step.transaction if self.snapshots else
                    step if step.call in ("get", "mget", "select") else None)
            self.reads.append(Read(step, before, *window.at, node))
        elif before["version"] == "any":
            if expected[1] is None:
                self.wrong("lost own write", step, "%s is there, though deleted in the transaction", result["id"])
        elif (before.get("born"), before["version"], frozenset(before.get("keys", ()))) != expected:
            self.wrong("lost own write", step, "%s was left in version %s, but is in version %s or has another content",
                       result["id"], expected[1], before["version"])

    def before(self, step, result):
        """The state of the document before the step."""
        if result["do"] == "exists":
            return {"id": result["id"], "version": "any"}
        before = dict(result)
        if result["do"] == "change":
            key, version = result["key"], result["version"]
            if key not in result["keys"]:
                self.wrong("lost update", step, "%s does not have its own change %s", result["id"], key)
            if not (result["created"] == (version == 1) == (result["born"] == key)):
                self.wrong("wrong version", step, "version %d of %s, born by %s, created: %s", version, result["id"],
                           result["born"], result["created"])
            before["keys"] = set(result["keys"]) - {key}
            before["version"] = version - 1
            if version == 1:
                before = {"id": result["id"], "version": None}
        expected = result.get("if_version")
        if expected is not None and expected != (before["version"] or 0):
            self.wrong("if_version not held", step, "%s was to be in version %s, but was in version %s", result["id"], expected, before["version"])
        return before

    def write(self, write):
        life = self.lives.setdefault((write.id, write.born), Life(write.id, write.born))
        if not write.key:
            if life.end:
                self.wrong("lost update", write.step, "%s was deleted already by %s", write.id, life.end.step.name)
            life.end = write
        elif write.version in life.changes:
            self.wrong("lost update", write.step, "%s and %s have both made version %d of %s", write.key,
                       life.changes[write.version].key, write.version, write.id)
        else:
            life.changes[write.version] = write

    #
    # What is in a document
    #
    def check_life(self, life):
        """The versions are 1 to n, and the last one is what was deleted."""
        last = max(life.changes, default=0)
        for version in range(1, last + 1):
            change = life.changes.get(version)
            if not change:
                self.wrong("wrong version", None, "nobody has made version %d of %s, born by %s", version, life.id, life.born)
            life.keys.append(life.keys[-1] | ({change.key} if change else set()))
        if life.end and life.end.version < last:
            self.wrong("lost update", life.end.step, "version %d of %s was deleted, but %s has made version %d", life.end.version,
                       life.id, life.changes[last].key, last)

    def check_content(self, read):
        """A state that was read has the changes up to its version, all of which have been committed, and of no later one."""
        if not read.keys:
            if isinstance(read.version, int):
                self.wrong("lost update", read.step, "version %d of %s has no changes", read.version, read.id)
            return
        strange = [key for key in sorted(read.keys) if key not in self.changers]
        dirty = [key for key in sorted(read.keys) if key in self.changers and key not in self.lasting]
        if strange:
            self.wrong("dirty read", read.step, "%s has %s, which nobody has written", read.id, strange)
        if dirty:
            self.wrong("dirty read", read.step, "%s has %s, which failed or was undone", read.id, dirty)
        life = self.lives.get((read.id, read.born))
        if strange or dirty:
            return
        if not life:
            self.wrong("half-applied change", read.step, "%s is said to be born by %s, who has not created it", read.id, read.born)
            return
        expected = life.keys[read.version] if read.version < len(life.keys) else frozenset()
        if expected - read.keys:
            self.wrong("lost update", read.step, "version %d of %s misses %s", read.version, read.id, sorted(expected - read.keys))
        if read.keys - expected:
            self.wrong("wrong version", read.step, "version %d of %s has %s already", read.version, read.id, sorted(read.keys - expected))
        change, following = life.changes.get(read.version), life.changes.get(read.version + 1) or life.end
        if change and following and change.transaction is following.transaction:
            self.wrong("intermediate read", read.step, "version %d of %s was not the last of %s", read.version, read.id,
                       change.transaction.name)

    #
    # When
    #
    def order_lives(self):
        """The line of states of each document, by id and by (id, born).  Where the times do not tell in which order two lives of a document were, each
        life is a line of its own, without absences."""
        documents = collections.defaultdict(list, {read.id: [] for read in self.reads})
        for life in self.lives.values():
            if life.start:
                documents[life.id].append(life)
        lines = {}
        for document_id, lives in documents.items():
            rank = {life: 0 for life in lives}
            sure = True
            for number, one in enumerate(lives):
                for other in lives[:number]:
                    forth, back = precedes(one, other), precedes(other, one)
                    if not forth and not back:
                        self.wrong("two lives", other.start.step, "%s was there already, by %s", document_id, one.start.step.name)
                    sure &= forth != back
                    rank[other if forth else one] += 1
            lives.sort(key=rank.get)
            if sure:
                lines[document_id] = [Line(lives, True)]
            else:
                self.unsure += 1
                lines[document_id] = [Line([life], False) for life in lives]
        return lines

    def candidates(self, read, lines):
        """The line that a read belongs to, and the states there that it may have seen."""
        if isinstance(read.version, int):
            line = next((line for line in lines if (read.born, read.version) in line.places), None)
            return line, [line.places[read.born, read.version]] if line else []
        line, = lines if len(lines) == 1 and lines[0].absences else (None,)
        if not line:
            return None, []
        if read.version is None:
            return line, line.absences
        return line, sorted(set(range(len(line.writes))) - set(line.absences))

    def check_time(self, read, lines):
        """What is read is not older than what was acknowledged before, and not from the future."""
        line, places = self.candidates(read, lines)
        if not line:
            return
        what = {None: "absent", "any": "there"}.get(read.version, "in version %s" % read.version)
        begun = [place for place in places if line.begun(place, read.until)]
        if places and not begun and isinstance(read.version, int):
            self.wrong("dirty read", read.step, "%s is %s, whose commit was not asked for before %s", read.id, what,
                       line.writes[places[0]].step.name)
        elif not begun or begun[-1] < line.first(read.since):
            write = line.writes[line.first(read.since)]
            self.wrong("stale read", read.step, "%s is %s, though %s was acknowledged before", read.id, what,
                       write.step.name if write else "nothing")

    def check_repeated(self):
        """What a transaction reads twice is the same."""
        seen = {}
        for read in self.reads:
            if read.version == "any":
                continue
            state = (read.born, read.version)
            first = seen.setdefault((read.step.transaction, read.id), state)
            if first != state:
                self.wrong("non-repeatable read", read.step, "%s is in version %s, before it was in version %s", read.id,
                           read.version, first[1])

    #
    # What came before what
    #
    def check_graph(self, lines):
        graph = Graph()
        for document in lines.values():
            for line in document:
                for before, after in zip(line.writes, line.writes[1:]):
                    if before:
                        graph.add(before.transaction, after.transaction, "ww" if before.key or not after.key else "next")
        for read in self.reads:
            if read.node:
                self.add_read(graph, read, lines[read.id])
        for way in graph.snapshot_cycles():
            self.wrong("broken snapshot", None, way)
        if self.isolation == "serializable":
            for way in graph.committed_cycles():
                self.wrong("not serializable", None, way)

    def add_read(self, graph, read, lines):
        """A read comes behind the write that it sees and before the next one.  Where it may have seen several absences: behind the first, before the
        last."""
        line, places = self.candidates(read, lines)
        if not line or read.version == "any":
            return
        places = [place for place in places if place >= line.first(read.since) and line.begun(place, read.until)]
        if not places:
            return
        if line.writes[places[0]]:
            graph.add(line.writes[places[0]].transaction, read.node, "wr")
        if places[-1] + 1 < len(line.writes):
            graph.add(read.node, line.writes[places[-1] + 1].transaction, "rw")
        if read.node is not read.step.transaction and read.step.transaction.committed:
            graph.add(read.node, read.step.transaction, "so")

    #
    # Figures
    #
    def figures(self):
        calls = [step for transaction in self.transactions for step in transaction.calls]
        results = collections.Counter(result["do"] for step in calls for result in step.results)
        return ("%d transactions, %d committed, %d calls, %d changes, %d deletions, %d reads, %d documents, %d lives; "
                "%d changes failed, %d serialization failures, %d deadlocks; order unsure: %d") % (
                    len(self.transactions), sum(transaction.committed for transaction in self.transactions), len(calls),
                    results["change"], results["delete"], results["read"], len({read.id for read in self.reads}), len(self.lives),
                    results["fail"], self.errors["40001"], self.errors["40P01"], self.unsure)


def precedes(one, other):
    """Whether the one life may have been before the other."""
    if not one.end:
        return False
    if one.end.transaction is other.start.transaction:
        return one.end.place < other.start.place
    return one.end.transaction.lo < other.start.step.at[1]


def main():
    names, isolation = sys.argv[1:], None
    if names[:1] == ["--as"]:
        isolation, names = names[1], names[2:]
    bad = False
    for name in names:
        try:
            with open(name) as file:
                history = History(file, isolation)
            history.check()
        except (KeyError, TypeError, ValueError) as error:
            print("%s: no history: %r" % (name, error))
            sys.exit(2)
        print("%s: %s" % (name, history.figures()))
        for kind, found in sorted(history.anomalies.items()):
            bad = True
            print("%s: %d anomalies: %s" % (name, len(found), kind))
            for what in found[:SHOWN]:
                print("    " + what)
    sys.exit(1 if bad else 0)


main()
