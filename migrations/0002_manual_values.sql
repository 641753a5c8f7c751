-- Values of a customer that a person typed into the hub.

CREATE TABLE customer_value (
    customer_id  TEXT    NOT NULL,
    field        TEXT    NOT NULL,
    value        TEXT,                         -- NULL: the person says there is none
    source_value TEXT,                         -- what the sources said when it was typed
    pinned       BOOLEAN NOT NULL,             -- wins until released; else until the sources say something new
    actor        TEXT    NOT NULL,
    at           BIGINT  NOT NULL,
    PRIMARY KEY (customer_id, field)
);
