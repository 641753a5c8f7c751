-- Whose value wins, as people set it; the newest set is in force, the others can be restored.
CREATE TABLE survivorship (
    seq        BIGINT NOT NULL PRIMARY KEY,
    body       TEXT   NOT NULL,               -- JSON: group -> {order, then}
    actor      TEXT   NOT NULL,               -- as the history shows it
    restores   BIGINT,                        -- the set that was put in force again
    at         BIGINT NOT NULL
);

-- Golden values made again for every customer, in the background and in chunks.
CREATE TABLE recompute (
    seq         BIGINT NOT NULL PRIMARY KEY,
    cause       TEXT   NOT NULL,              -- rules | fields
    actor       TEXT   NOT NULL,
    state       TEXT   NOT NULL,              -- running | done | superseded
    after_id    TEXT   NOT NULL,              -- the last customer that is done
    total       BIGINT NOT NULL,
    done        BIGINT NOT NULL,
    changed     BIGINT NOT NULL,
    started_at  BIGINT NOT NULL,
    finished_at BIGINT
);
CREATE INDEX recompute_state ON recompute (state);
