-- What the records of a source look like, and how that changed.

CREATE TABLE stream_shape (
    connection_id TEXT   NOT NULL REFERENCES connection (id) ON DELETE CASCADE,
    stream        TEXT   NOT NULL,
    fields        TEXT   NOT NULL,             -- JSON: path -> what stands there and how often
    updated_at    BIGINT NOT NULL,
    PRIMARY KEY (connection_id, stream)
);

CREATE TABLE shape_change (
    id            TEXT   NOT NULL PRIMARY KEY,
    connection_id TEXT   NOT NULL REFERENCES connection (id) ON DELETE CASCADE,
    stream        TEXT   NOT NULL,
    path          TEXT   NOT NULL,             -- in the source's record
    change        TEXT   NOT NULL,             -- new | gone | kind
    fields        TEXT   NOT NULL,             -- JSON: the hub's fields that are filled from it
    at            BIGINT NOT NULL,
    ended_at      BIGINT                       -- NULL: it holds; a new field is only told of
);
CREATE UNIQUE INDEX shape_change_open ON shape_change (connection_id, stream, path) WHERE ended_at IS NULL;
