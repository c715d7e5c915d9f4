"""The ledger's tables, as scripts that lead from one format of the file to the next."""

from __future__ import annotations

_TASKS = """
CREATE TABLE tasks (
    id INTEGER PRIMARY KEY CHECK (id BETWEEN 1 AND 2147483647), type TEXT NOT NULL, status TEXT NOT NULL, outcome TEXT,
    key TEXT, section TEXT, operation TEXT, force INTEGER NOT NULL, filename TEXT, path TEXT, fingerprint TEXT,
    bytes INTEGER, protocol TEXT, actor TEXT, reason TEXT, submission_time TEXT NOT NULL, start_time TEXT,
    last_update TEXT, base_snapshot INTEGER, new_snapshot INTEGER, report TEXT, error TEXT, decision TEXT,
    decided_by TEXT, decided_time TEXT, decided_reason TEXT, worker TEXT, attempts INTEGER NOT NULL DEFAULT 0,
    lease_until TEXT);
CREATE INDEX tasks_by_status ON tasks (status, key, section);
CREATE INDEX tasks_by_fingerprint ON tasks (fingerprint);
CREATE TABLE problems (
    task INTEGER NOT NULL REFERENCES tasks (id) ON DELETE CASCADE, seq INTEGER NOT NULL, file TEXT, member TEXT,
    record_number INTEGER, line INTEGER, byte_offset INTEGER, entity TEXT, key TEXT, "column" TEXT, value TEXT,
    code TEXT, severity TEXT, message TEXT, hint TEXT, PRIMARY KEY (task, seq)) WITHOUT ROWID;
"""

#: Queue, landings, sources, outbox and messages of the service.
_SERVICE = """
CREATE TABLE numbers (after INTEGER NOT NULL);
CREATE TABLE incidents (
    id INTEGER PRIMARY KEY, kind TEXT NOT NULL, key TEXT NOT NULL, about TEXT NOT NULL, opened TEXT NOT NULL,
    seen TEXT NOT NULL, closed TEXT, count INTEGER NOT NULL, notified TEXT, acknowledged TEXT, acknowledged_by TEXT);
CREATE UNIQUE INDEX incidents_open ON incidents (kind, key) WHERE closed IS NULL;
CREATE TABLE messages (
    id INTEGER PRIMARY KEY, kind TEXT NOT NULL, place TEXT NOT NULL, unique_key TEXT NOT NULL UNIQUE, task INTEGER,
    body TEXT NOT NULL, status TEXT NOT NULL, attempts INTEGER NOT NULL, made TEXT NOT NULL, not_before TEXT NOT NULL,
    sent TEXT, error TEXT);
CREATE INDEX messages_waiting ON messages (not_before) WHERE status = 'waiting';
CREATE TABLE counters (
    name TEXT NOT NULL, labels TEXT NOT NULL, value REAL NOT NULL, PRIMARY KEY (name, labels)) WITHOUT ROWID;
CREATE INDEX tasks_by_filename ON tasks (filename);
CREATE TABLE told (event TEXT PRIMARY KEY, at TEXT NOT NULL) WITHOUT ROWID;
ALTER TABLE tasks ADD COLUMN queued INTEGER NOT NULL DEFAULT 0;
ALTER TABLE tasks ADD COLUMN place INTEGER;
ALTER TABLE tasks ADD COLUMN not_before TEXT;
ALTER TABLE tasks ADD COLUMN retries INTEGER NOT NULL DEFAULT 0;
ALTER TABLE tasks ADD COLUMN crashes INTEGER NOT NULL DEFAULT 0;
ALTER TABLE tasks ADD COLUMN account TEXT;
ALTER TABLE tasks ADD COLUMN home TEXT;
ALTER TABLE tasks ADD COLUMN virtual TEXT;
ALTER TABLE tasks ADD COLUMN visible TEXT;
ALTER TABLE tasks ADD COLUMN device INTEGER;
ALTER TABLE tasks ADD COLUMN inode INTEGER;
ALTER TABLE tasks ADD COLUMN sha256 TEXT;
ALTER TABLE tasks ADD COLUMN eof TEXT;
ALTER TABLE tasks ADD COLUMN peer TEXT;
ALTER TABLE tasks ADD COLUMN sent TEXT;
ALTER TABLE tasks ADD COLUMN upload_started TEXT;
ALTER TABLE tasks ADD COLUMN upload_ended TEXT;
ALTER TABLE tasks ADD COLUMN registered INTEGER NOT NULL DEFAULT 0;
ALTER TABLE tasks ADD COLUMN reported TEXT;
ALTER TABLE tasks ADD COLUMN followed TEXT;
CREATE INDEX tasks_in_queue ON tasks (key, place, id) WHERE queued AND status IN ('QUEUED', 'IN_PROGRESS');
CREATE INDEX tasks_to_follow ON tasks (id) WHERE queued AND followed IS NULL;
CREATE INDEX tasks_by_sha256 ON tasks (sha256, key);
CREATE INDEX tasks_by_inode ON tasks (inode);
CREATE INDEX tasks_by_path ON tasks (path) WHERE queued;
"""

_SOURCES = """
CREATE TABLE sources (
    name TEXT PRIMARY KEY, made TEXT NOT NULL, schedule TEXT, next_run TEXT, asked TEXT, started TEXT, ended TEXT,
    good TEXT, file TEXT, failures INTEGER NOT NULL, error TEXT, paused TEXT, paused_by TEXT, paused_why TEXT)
    WITHOUT ROWID;
CREATE TABLE looks (
    source TEXT NOT NULL, name TEXT NOT NULL, bytes INTEGER, modified TEXT, since TEXT NOT NULL,
    PRIMARY KEY (source, name)) WITHOUT ROWID;
CREATE TABLE fetched (
    id INTEGER PRIMARY KEY, source TEXT NOT NULL, name TEXT NOT NULL, bytes INTEGER, modified TEXT,
    state TEXT NOT NULL, feed TEXT, path TEXT, sha256 TEXT, task INTEGER, last_task INTEGER, error TEXT,
    begun TEXT NOT NULL, ended TEXT, tidied TEXT);
CREATE INDEX fetched_by_name ON fetched (source, name);
"""

_OUTBOX = """
CREATE TABLE publications (
    id INTEGER PRIMARY KEY AUTOINCREMENT, target TEXT NOT NULL, catalog TEXT NOT NULL, from_snapshot INTEGER,
    to_snapshot INTEGER NOT NULL, status TEXT NOT NULL, last_stamp TEXT NOT NULL, about TEXT NOT NULL,
    created TEXT NOT NULL, ended TEXT);
CREATE INDEX publications_by_target ON publications (target, catalog, id);
CREATE TABLE deliveries (
    id INTEGER PRIMARY KEY AUTOINCREMENT, target TEXT NOT NULL, name TEXT NOT NULL, path TEXT NOT NULL,
    file TEXT NOT NULL, bytes INTEGER NOT NULL, sha256 TEXT NOT NULL, about TEXT NOT NULL,
    publication INTEGER REFERENCES publications (id), status TEXT NOT NULL, placed INTEGER NOT NULL DEFAULT 0,
    attempts INTEGER NOT NULL DEFAULT 0, not_before TEXT NOT NULL, worker TEXT, created TEXT NOT NULL, sent TEXT,
    verified TEXT, error TEXT);
CREATE INDEX deliveries_open ON deliveries (target, id) WHERE status IN ('WAITING', 'SENDING');
CREATE INDEX deliveries_by_publication ON deliveries (publication);
"""

#: Files of a profile's entities, which are taken by schedule, and what was exported.
_ENTITIES = """
ALTER TABLE tasks ADD COLUMN entity TEXT;
ALTER TABLE tasks ADD COLUMN due TEXT;
ALTER TABLE tasks ADD COLUMN rank INTEGER NOT NULL DEFAULT 0;
CREATE INDEX tasks_by_entity ON tasks (key, section, entity, start_time) WHERE entity IS NOT NULL;
CREATE TABLE passes (
    catalog TEXT NOT NULL, entity TEXT NOT NULL, made TEXT NOT NULL, schedule TEXT, next TEXT, file TEXT,
    PRIMARY KEY (catalog, entity)) WITHOUT ROWID;
CREATE TABLE exports (
    name TEXT PRIMARY KEY, catalog TEXT NOT NULL, snapshot INTEGER, looked TEXT NOT NULL,
    records INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;
CREATE TABLE exported (
    export TEXT NOT NULL, record TEXT NOT NULL, snapshot INTEGER NOT NULL, delivery INTEGER NOT NULL,
    replays INTEGER NOT NULL DEFAULT 0, at TEXT NOT NULL, PRIMARY KEY (export, record)) WITHOUT ROWID;
CREATE INDEX exported_by_record ON exported (record);
CREATE INDEX exported_by_delivery ON exported (delivery);
CREATE INDEX deliveries_dead ON deliveries (id) WHERE status = 'DEAD';
CREATE TABLE awaited (
    export TEXT NOT NULL, record TEXT NOT NULL, since TEXT NOT NULL, PRIMARY KEY (export, record)) WITHOUT ROWID;
"""

#: What becomes of faults: each fault's life, rows that wait for a record.
_REMEDY = """
ALTER TABLE tasks ADD COLUMN parent INTEGER;
ALTER TABLE problems ADD COLUMN family TEXT;
ALTER TABLE problems ADD COLUMN related TEXT;
ALTER TABLE problems ADD COLUMN owner TEXT;
CREATE TABLE cases (
    id INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL, section TEXT NOT NULL, entity TEXT NOT NULL,
    identity TEXT NOT NULL, "column" TEXT NOT NULL, code TEXT NOT NULL, family TEXT, owner TEXT, state TEXT NOT NULL,
    first_seen TEXT NOT NULL, opened TEXT NOT NULL, seen TEXT NOT NULL, closed TEXT, first_task INTEGER NOT NULL,
    last_task INTEGER NOT NULL, closed_task INTEGER, times INTEGER NOT NULL DEFAULT 1,
    reopened INTEGER NOT NULL DEFAULT 0, record TEXT, value TEXT, message TEXT, hint TEXT, file TEXT, member TEXT,
    record_number INTEGER, line INTEGER, related TEXT, "row" TEXT, decided_by TEXT, decided_reason TEXT);
CREATE UNIQUE INDEX cases_by_identity ON cases (key, section, entity, identity, "column", code);
CREATE INDEX cases_open ON cases (key, section, entity) WHERE state = 'open';
CREATE TABLE parked (
    id INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL, section TEXT NOT NULL, entity TEXT NOT NULL,
    identity TEXT NOT NULL, task INTEGER NOT NULL, operation TEXT NOT NULL, member TEXT, record_number INTEGER,
    line INTEGER, "row" TEXT NOT NULL, waits_entity TEXT NOT NULL, waits_field TEXT NOT NULL, waits_value TEXT NOT NULL,
    code TEXT NOT NULL, owner TEXT, state TEXT NOT NULL, since TEXT NOT NULL, until TEXT NOT NULL,
    looked INTEGER NOT NULL DEFAULT 0, retry INTEGER, place INTEGER, ended TEXT, why TEXT);
CREATE INDEX parked_waiting ON parked (key, looked) WHERE state = 'waiting';
CREATE INDEX parked_until ON parked (until) WHERE state = 'waiting';
CREATE INDEX parked_unsettled ON parked (task) WHERE state = 'planned';
CREATE INDEX parked_by_retry ON parked (retry, place) WHERE retry IS NOT NULL;
CREATE INDEX tasks_by_snapshot ON tasks (key, new_snapshot) WHERE new_snapshot IS NOT NULL;
"""

_SENT = "ALTER TABLE parked ADD COLUMN sent TEXT;"

_CONFLICT_SENT = "ALTER TABLE cases ADD COLUMN sent TEXT;"

#: Script n makes format n + 1 of format n. A script that was released is never changed.
SCRIPTS: tuple[str, ...] = (_TASKS, _SERVICE + _SOURCES + _OUTBOX, _ENTITIES, _REMEDY, _SENT, _CONFLICT_SENT)
