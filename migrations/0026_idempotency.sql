-- Answers to calls of the API that were sent with an Idempotency-Key: the same call again gets the same answer.

CREATE TABLE idempotency (
    user_id     TEXT   NOT NULL REFERENCES app_user (id) ON DELETE CASCADE, -- keys of two owners never meet
    idem_key    TEXT   NOT NULL,
    operation   TEXT   NOT NULL,               -- POST /activities
    request     BYTEA  NOT NULL,               -- SHA-256 of the body
    status      BIGINT,                        -- NULL only inside the transaction that answers
    location    TEXT,
    body        TEXT,
    at          BIGINT NOT NULL,
    PRIMARY KEY (user_id, idem_key)
);
CREATE INDEX idempotency_at ON idempotency (at);
