-- How fresh data has to be and how often it was; who looks after a connection and is told of its problems.

ALTER TABLE connection ADD COLUMN freshness_target BIGINT;     -- microseconds; NULL: from the schedule; 0: none
ALTER TABLE connection ADD COLUMN freshness_objective BIGINT;  -- hundredths of a percent; NULL: as configured
ALTER TABLE connection ADD COLUMN caretaker TEXT;              -- user id of whoever looks after it
ALTER TABLE connection ADD COLUMN notices TEXT;                -- JSON {"people":[id],"off":[kind]}; NULL: as for everybody

-- Minutes in which it was looked whether a connection is as fresh as it has to be.
CREATE TABLE freshness (
    connection_id TEXT   NOT NULL REFERENCES connection (id) ON DELETE CASCADE,
    hour          BIGINT NOT NULL,             -- since 1970, UTC
    total         BIGINT NOT NULL,             -- minutes
    good          BIGINT NOT NULL,             -- of them as fresh as wanted
    PRIMARY KEY (connection_id, hour)
);

-- How far that has been looked, and what was known then. Minutes after it are judged when somebody looks again.
CREATE TABLE freshness_mark (
    connection_id TEXT   NOT NULL PRIMARY KEY REFERENCES connection (id) ON DELETE CASCADE,
    minute        BIGINT NOT NULL,             -- since 1970
    ok_at         BIGINT NOT NULL              -- the oldest complete reading of its data then
);

-- How long changes took from the source to here, counted by length.
CREATE TABLE lag (
    connection_id TEXT   NOT NULL REFERENCES connection (id) ON DELETE CASCADE,
    hour          BIGINT NOT NULL,
    bucket        BIGINT NOT NULL,             -- model::lag
    n             BIGINT NOT NULL,
    PRIMARY KEY (connection_id, hour, bucket)
);

-- Trouble of a connection from its beginning to its end: one open row a kind.
CREATE TABLE problem (
    id            TEXT   NOT NULL PRIMARY KEY,
    connection_id TEXT   NOT NULL REFERENCES connection (id) ON DELETE CASCADE,
    kind          TEXT   NOT NULL,             -- needs_action | late | budget | credentials | schema
    detail        TEXT   NOT NULL,             -- JSON: code, stream, field …; never a customer
    begun_at      BIGINT NOT NULL,             -- first seen
    clear_since   BIGINT,                      -- not seen since; NULL: it is there
    told_at       BIGINT,                      -- told last; NULL: not yet, it may pass
    told          BIGINT NOT NULL,             -- times told, its end counted
    ended_at      BIGINT                       -- NULL: open
);
CREATE UNIQUE INDEX problem_open ON problem (connection_id, kind) WHERE ended_at IS NULL;
CREATE INDEX problem_begun ON problem (begun_at);

-- What was told of a problem, word for word: every attempt to send it says the same.
CREATE TABLE problem_note (
    problem_id TEXT   NOT NULL REFERENCES problem (id) ON DELETE CASCADE,
    seq        BIGINT NOT NULL,                -- 1 …, as problem.told
    at         BIGINT NOT NULL,
    body       TEXT   NOT NULL,                -- JSON
    PRIMARY KEY (problem_id, seq)
);
