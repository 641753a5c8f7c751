-- Fields that the administrator adds to customers.
CREATE TABLE custom_field (
    key        TEXT    NOT NULL PRIMARY KEY,
    kind       TEXT    NOT NULL,              -- text | number | money | date | choice | flag
    label_ja   TEXT    NOT NULL,
    label_en   TEXT    NOT NULL,
    required   BOOLEAN NOT NULL,              -- a hint on the form, never a refusal
    choices    TEXT    NOT NULL,              -- JSON: [{key, ja, en, retired}]
    position   BIGINT  NOT NULL,
    seq        BIGINT  NOT NULL,
    created_at BIGINT  NOT NULL,
    updated_at BIGINT  NOT NULL,
    retired_at BIGINT
);

-- Golden values of those fields, JSON: key -> text in the form of its kind.
ALTER TABLE customer ADD COLUMN custom TEXT NOT NULL DEFAULT '{}';
-- What sources said for them and could not be taken, JSON: [{field, connection, value, code}].
ALTER TABLE customer ADD COLUMN warnings TEXT NOT NULL DEFAULT '[]';

-- Answers to requests that a program may send twice.
CREATE TABLE idempotency (
    owner        TEXT   NOT NULL,             -- the person or service account whose token it was
    key          TEXT   NOT NULL,
    request_hash BYTEA  NOT NULL,             -- SHA-256 of what was asked
    status       BIGINT NOT NULL,
    location     TEXT,
    etag         TEXT,
    body         TEXT   NOT NULL,
    at           BIGINT NOT NULL,
    PRIMARY KEY (owner, key)
);
CREATE INDEX idempotency_at ON idempotency (at);

-- Sites and contacts that a customer had at some time, those that are gone since too.
UPDATE version SET customer_id = (SELECT s.customer_id FROM site s WHERE s.id = version.record_id)
    WHERE record_id LIKE 'sit\_%' ESCAPE '\';
UPDATE version SET customer_id = (SELECT c.customer_id FROM contact c WHERE c.id = version.record_id)
    WHERE record_id LIKE 'cnt\_%' ESCAPE '\';
CREATE INDEX version_partner ON version (customer_id) WHERE customer_id <> record_id;
