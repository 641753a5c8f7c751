-- Mappings of a connection's own. What is not here is mapped as the connector says: that is version 1.

-- What was published for a stream; the highest version holds. Never changed, so that a run can be explained.
CREATE TABLE mapping (
    connection_id TEXT   NOT NULL REFERENCES connection (id) ON DELETE CASCADE,
    stream        TEXT   NOT NULL,
    version       BIGINT NOT NULL,             -- connection.mapping_version from then on
    spec          TEXT   NOT NULL,             -- JSON, as a manifest has it under `mapping`
    comment       TEXT,
    actor         TEXT   NOT NULL,
    published_at  BIGINT NOT NULL,
    PRIMARY KEY (connection_id, stream, version)
);

-- The next pull of the stream asks again for what changed since this moment; 0: for everything. Taken away when
-- such a pull has come to its end.
ALTER TABLE stream ADD COLUMN reread BIGINT;

-- What somebody is working on: syncs do not know it.
CREATE TABLE mapping_draft (
    connection_id TEXT   NOT NULL REFERENCES connection (id) ON DELETE CASCADE,
    stream        TEXT   NOT NULL,
    base          BIGINT NOT NULL,             -- version of the stream that it was made from
    spec          TEXT   NOT NULL,
    revision      BIGINT NOT NULL,             -- counts changes: two people do not overwrite each other
    actor         TEXT   NOT NULL,
    updated_at    BIGINT NOT NULL,
    PRIMARY KEY (connection_id, stream)
);

-- Records as their source sent them, for looking at a draft. Gone after a day.
CREATE TABLE mapping_sample (
    connection_id TEXT   NOT NULL REFERENCES connection (id) ON DELETE CASCADE,
    stream        TEXT   NOT NULL,
    place         BIGINT NOT NULL,
    external_id   TEXT   NOT NULL,
    source_version BIGINT,
    body          TEXT   NOT NULL,
    taken_at      BIGINT NOT NULL,
    PRIMARY KEY (connection_id, stream, place)
);
