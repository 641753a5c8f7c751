-- What the comparison of whole lists said about records that are gone.

CREATE TABLE sweep (
    connection_id TEXT   NOT NULL REFERENCES connection (id) ON DELETE CASCADE,
    stream        TEXT   NOT NULL,
    swept_at      BIGINT NOT NULL,             -- end of the last comparison
    known         BIGINT NOT NULL,             -- living records here when it was made
    missing       BIGINT NOT NULL,             -- of these, not in the source's list
    held_at       BIGINT,                      -- too many at once: a person has to decide
    held_keys     TEXT,                        -- JSON, the records that are held
    allowed_by    TEXT,                        -- who let the held ones go
    allowed_at    BIGINT,
    PRIMARY KEY (connection_id, stream)
);
