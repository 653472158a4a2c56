"""A table of events that are noted, and when they were handled.

With the table in the database where the work is done, set done_at in the transaction
that does it, and each event is handled exactly once.
"""

import contextlib
import os
import sqlite3
import threading
import time
import traceback

SCHEMA = """
CREATE TABLE IF NOT EXISTS events (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    body BLOB NOT NULL,
    done_at REAL
);
CREATE INDEX IF NOT EXISTS todo ON events (number) WHERE done_at IS NULL;
"""

# How long, in seconds, an event is known: Postrider can replay one for 30 days and a bit.
KEEP = 32 * 24 * 3600


class Inbox:
    def __init__(self, directory):
        os.makedirs(directory, exist_ok=True)
        self._path = os.path.join(directory, "events.sqlite")
        self._noted = threading.Event()
        with self._open() as db:
            db.executescript(SCHEMA)

    @contextlib.contextmanager
    def _open(self):
        # Without a level each statement is a transaction of its own.
        db = sqlite3.connect(self._path, timeout=10, isolation_level=None)
        try:
            db.execute("PRAGMA synchronous = EXTRA")  # what is committed outlives a power cut
            yield db
        finally:
            db.close()

    def note(self, ident, body):
        """Notes an event, and returns when no crash can lose it any more. One that comes
        again, also at the same moment, is handled once: ids are unique.
        """
        with self._open() as db:
            db.execute("INSERT INTO events (id, body) VALUES (?, ?) ON CONFLICT (id) DO NOTHING", (ident, body))
        self._noted.set()

    def run(self, handle):
        """Handles what is noted, the oldest first, for as long as the process lives. One that
        handle raises at is tried again with the next, or in a minute.
        """
        with self._open() as db:
            while True:
                self._noted.clear()
                for number, body in db.execute("SELECT number, body FROM events WHERE done_at IS NULL ORDER BY number").fetchall():
                    try:
                        handle(body)
                        db.execute("UPDATE events SET done_at = ? WHERE number = ?", (time.time(), number))
                    except Exception:
                        traceback.print_exc()
                db.execute("DELETE FROM events WHERE done_at < ?", (time.time() - KEEP,))
                self._noted.wait(60)
