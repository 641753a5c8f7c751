-- A typed value and a source that say different things: shown until a person has looked.

CREATE TABLE conflict (
    customer_id   TEXT   NOT NULL,
    field         TEXT   NOT NULL,
    typed         TEXT,                        -- NULL: the person said there is none
    actor         TEXT   NOT NULL,             -- who typed
    typed_at      BIGINT NOT NULL,
    said          TEXT,                        -- NULL: the sources have none any more
    connection_id TEXT,                        -- who said it
    at            BIGINT NOT NULL,
    won           TEXT   NOT NULL,             -- typed | source: by the rules, until a person decides
    PRIMARY KEY (customer_id, field)
);
