-- Views of lists that people saved: a question under a name, never its answer.
CREATE TABLE saved_view (
    id         TEXT    NOT NULL PRIMARY KEY,
    list       TEXT    NOT NULL,              -- customers
    owner_id   TEXT    NOT NULL REFERENCES app_user (id) ON DELETE CASCADE,
    name       TEXT    NOT NULL,
    name_key   TEXT    NOT NULL,              -- folded
    shared     BOOLEAN NOT NULL,              -- everybody sees that it is there; each sees their own customers in it
    query      TEXT    NOT NULL,              -- what stands behind ? of the list's address
    seq        BIGINT  NOT NULL,
    created_at BIGINT  NOT NULL,
    updated_at BIGINT  NOT NULL
);
CREATE UNIQUE INDEX saved_view_name ON saved_view (owner_id, list, name_key);
CREATE INDEX saved_view_list ON saved_view (list, shared);

-- How a person wants a list to look.
CREATE TABLE list_choice (
    user_id TEXT    NOT NULL REFERENCES app_user (id) ON DELETE CASCADE,
    list    TEXT    NOT NULL,
    columns TEXT,                             -- as addresses have them; NULL: the usual ones
    dense   BOOLEAN NOT NULL,
    view_id TEXT,                             -- opens first; one that is gone, or no longer shared, opens nothing
    PRIMARY KEY (user_id, list)
);

-- The same change for many customers, made in the background.
CREATE TABLE bulk (
    id           TEXT    NOT NULL PRIMARY KEY,
    actor_id     TEXT    NOT NULL,
    actor        TEXT    NOT NULL,            -- as the history shows it
    field        TEXT    NOT NULL,
    value        TEXT    NOT NULL,            -- empty: there shall be none
    pinned       BOOLEAN NOT NULL,
    state        TEXT    NOT NULL,            -- applying | applied | undoing | undone | stopped
    total        BIGINT  NOT NULL,
    done         BIGINT  NOT NULL,
    cause        TEXT,
    undone_by    TEXT,
    created_at   BIGINT  NOT NULL,
    updated_at   BIGINT  NOT NULL,
    leased_by    TEXT,
    leased_until BIGINT
);
CREATE INDEX bulk_work ON bulk (state) WHERE state IN ('applying', 'undoing');
CREATE INDEX bulk_actor ON bulk (actor_id, id);

-- Each customer of it, with what stood before.
CREATE TABLE bulk_item (
    bulk_id     TEXT   NOT NULL REFERENCES bulk (id) ON DELETE CASCADE,
    position    BIGINT NOT NULL,
    customer_id TEXT   NOT NULL,
    state       TEXT   NOT NULL,              -- waiting | changed | same | refused | undone | kept
    cause       TEXT,
    value       TEXT,                         -- golden value before
    typed       TEXT,                         -- what people had typed there before, JSON; NULL: nothing
    at          BIGINT,                       -- when it was changed: by this the change is known again
    PRIMARY KEY (bulk_id, position)
);
CREATE INDEX bulk_item_state ON bulk_item (bulk_id, state, position);

-- The search finds these by their number, as the other documents.
CREATE INDEX payment_number ON payment (number);
CREATE INDEX deal_number ON deal (number);
CREATE INDEX inquiry_number ON inquiry (number);

-- Code and name of a product as the search compares them, written when a product is; NULL: not yet.
ALTER TABLE product ADD COLUMN find TEXT;
