-- Files that people bring, what became of each row, and what stood before: a whole import can be taken back.

CREATE TABLE import (
    id            TEXT   NOT NULL PRIMARY KEY,
    connection_id TEXT   NOT NULL,            -- of kind sheet: whose keys the rows have
    name          TEXT   NOT NULL,            -- of the file
    size          BIGINT NOT NULL,
    digest        TEXT   NOT NULL,            -- SHA-256 of the file, hex
    plan          TEXT   NOT NULL,            -- JSON: layout, noun, roles of the columns, key
    state         TEXT   NOT NULL,            -- draft | checking | ready | applying | applied | undoing | undone | failed
    done          BIGINT NOT NULL,            -- rows of the step that runs
    total         BIGINT,
    report        TEXT,                       -- JSON: what the last check found
    result        TEXT,                       -- JSON: what applying did
    undone        TEXT,                       -- JSON: what undoing did
    cause         TEXT,                       -- why it failed
    detail        TEXT,
    run_id        TEXT,
    actor         TEXT   NOT NULL,
    leased_by     TEXT,
    leased_until  BIGINT,
    created_at    BIGINT NOT NULL,
    updated_at    BIGINT NOT NULL
);
CREATE INDEX import_created ON import (created_at);
CREATE INDEX import_work ON import (state) WHERE state IN ('checking', 'applying', 'undoing');

-- The file, in pieces.
CREATE TABLE import_part (
    import_id     TEXT   NOT NULL REFERENCES import (id) ON DELETE CASCADE,
    no            BIGINT NOT NULL,
    bytes         BYTEA  NOT NULL,
    PRIMARY KEY (import_id, no)
);

-- Rows that are not taken.
CREATE TABLE import_reject (
    import_id     TEXT   NOT NULL REFERENCES import (id) ON DELETE CASCADE,
    line          BIGINT NOT NULL,
    cause         TEXT   NOT NULL,
    column_name   TEXT,                       -- heading of the column
    value         TEXT,
    cells         TEXT   NOT NULL,            -- JSON, the row as it stands in the file
    PRIMARY KEY (import_id, line)
);

-- What an import is about to touch, written before it does.
CREATE TABLE import_record (
    import_id     TEXT   NOT NULL REFERENCES import (id) ON DELETE CASCADE,
    stream        TEXT   NOT NULL,            -- 'edits': values that a person changed in a sheet
    external_id   TEXT   NOT NULL,
    label         TEXT   NOT NULL,
    before_body   TEXT,                       -- NULL: there was none
    after_hash    BYTEA  NOT NULL,
    undone        TEXT,                       -- taken_back | kept
    PRIMARY KEY (import_id, stream, external_id)
);
