-- What connected systems should be told, and how that went.

ALTER TABLE connection ADD COLUMN push TEXT NOT NULL DEFAULT 'off'; -- off | changes | all

-- Level-triggered: one row for each target and record. What is sent is what differs when it is sent.
CREATE TABLE delivery (
    connection_id TEXT   NOT NULL REFERENCES connection (id) ON DELETE CASCADE,
    record_id     TEXT   NOT NULL,
    wanted_seq    BIGINT NOT NULL,             -- version the target should have
    acked_seq     BIGINT,                      -- version it was last seen to have
    state         TEXT   NOT NULL,             -- pending | retrying | delivered | dead
    attempts      BIGINT NOT NULL,             -- since the wanted version was asked for
    not_before    BIGINT NOT NULL,
    leased_by     TEXT,
    leased_until  BIGINT,
    cause         TEXT,                        -- stable code of the last trouble
    detail        TEXT,                        -- one sentence, no personal data
    updated_at    BIGINT NOT NULL,
    PRIMARY KEY (connection_id, record_id)
);
CREATE INDEX delivery_due ON delivery (connection_id, not_before) WHERE state IN ('pending', 'retrying');

CREATE TABLE attempt (
    id            TEXT   NOT NULL PRIMARY KEY,
    connection_id TEXT   NOT NULL REFERENCES connection (id) ON DELETE CASCADE,
    record_id     TEXT   NOT NULL,
    at            BIGINT NOT NULL,
    seq           BIGINT NOT NULL,             -- wanted version
    external_id   TEXT,
    fields        TEXT   NOT NULL,             -- JSON, names of the fields that were sent
    outcome       TEXT   NOT NULL,             -- created | changed | overtaken | failed
    cause         TEXT,
    took_ms       BIGINT NOT NULL
);
CREATE INDEX attempt_record ON attempt (connection_id, record_id, at);
