-- Whether a system that is told something answers.
ALTER TABLE connection ADD COLUMN push_failures BIGINT NOT NULL DEFAULT 0; -- in a row
ALTER TABLE connection ADD COLUMN push_retry_at BIGINT;                    -- nothing is sent before this

-- Outgoing webhooks: what happened, who wants to know, and what became of telling them.

CREATE TABLE receiver (
    id              TEXT    NOT NULL PRIMARY KEY,
    name            TEXT    NOT NULL UNIQUE,
    url             TEXT    NOT NULL,
    private         BOOLEAN NOT NULL,          -- a person confirmed that it stands in a private network
    wants           TEXT    NOT NULL,          -- JSON: kinds of events, "order.created" or "order.*"
    in_order        BOOLEAN NOT NULL,          -- the events of one customer one after the other
    samples         BOOLEAN NOT NULL,          -- changes of sample data too
    secret          BYTEA   NOT NULL,          -- sealed
    secret_previous BYTEA,                     -- sealed, signs as well until rotated_until
    rotated_until   BIGINT,
    state           TEXT    NOT NULL,          -- on | paused | gone (answered 410) | given_up
    failures        BIGINT  NOT NULL,          -- in a row
    failing_since   BIGINT,
    retry_at        BIGINT,                    -- nothing is sent before this
    created_at      BIGINT  NOT NULL,
    updated_at      BIGINT  NOT NULL
);

-- Written in the transaction of the change, while there are receivers. What is told of it stands in
-- `version`: the same at every attempt.
CREATE TABLE event (
    id          TEXT    NOT NULL PRIMARY KEY,
    at          BIGINT  NOT NULL,
    kind        TEXT    NOT NULL,              -- order.created
    record_id   TEXT    NOT NULL,
    seq         BIGINT  NOT NULL,
    customer_id TEXT,
    sample      BOOLEAN NOT NULL
);
CREATE INDEX event_customer ON event (customer_id, id);

CREATE TABLE event_delivery (
    receiver_id  TEXT   NOT NULL REFERENCES receiver (id) ON DELETE CASCADE,
    event_id     TEXT   NOT NULL,
    customer_id  TEXT,
    state        TEXT   NOT NULL,              -- pending | retrying | delivered | dead
    attempts     BIGINT NOT NULL,              -- since it was last asked for
    not_before   BIGINT NOT NULL,
    leased_by    TEXT,
    leased_until BIGINT,
    status       BIGINT,                       -- HTTP status of the last answer
    cause        TEXT,                         -- stable code of the last trouble
    updated_at   BIGINT NOT NULL,
    PRIMARY KEY (receiver_id, event_id)
);
CREATE INDEX event_delivery_due ON event_delivery (receiver_id, not_before, event_id)
    WHERE state IN ('pending', 'retrying');
CREATE INDEX event_delivery_waiting ON event_delivery (receiver_id, customer_id, event_id)
    WHERE state IN ('pending', 'retrying');
CREATE INDEX event_delivery_event ON event_delivery (event_id);

CREATE TABLE event_attempt (
    id          TEXT   NOT NULL PRIMARY KEY,
    receiver_id TEXT   NOT NULL REFERENCES receiver (id) ON DELETE CASCADE,
    event_id    TEXT   NOT NULL,
    at          BIGINT NOT NULL,
    status      BIGINT,
    cause       TEXT,
    answer      TEXT,                          -- beginning of the body
    took_ms     BIGINT NOT NULL
);
CREATE INDEX event_attempt_of ON event_attempt (receiver_id, event_id, at);
CREATE INDEX event_attempt_at ON event_attempt (at);
