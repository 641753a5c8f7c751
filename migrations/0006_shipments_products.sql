-- What left for a customer, and what is sold.

CREATE TABLE shipment (
    id            TEXT   NOT NULL PRIMARY KEY,
    customer_id   TEXT   NOT NULL,
    connection_id TEXT   NOT NULL,
    external_id   TEXT   NOT NULL,
    number        TEXT   NOT NULL,
    ship_date     TEXT   NOT NULL,            -- when it left, or shall leave
    status        TEXT   NOT NULL,            -- shipped | planned | cancelled
    carrier       TEXT,
    tracking      TEXT,                       -- the carrier's number
    subject       TEXT,
    ship_to       TEXT,                       -- site id
    ship_to_key   TEXT,                       -- as the source names it: it may come later
    line_count    BIGINT NOT NULL,
    occurred_at   BIGINT,
    seq           BIGINT NOT NULL,
    received_at   BIGINT NOT NULL,
    deleted_at    BIGINT
);
CREATE INDEX shipment_customer ON shipment (customer_id, ship_date);
CREATE INDEX shipment_number ON shipment (number);
CREATE INDEX shipment_site_open ON shipment (connection_id, ship_to_key)
    WHERE ship_to IS NULL AND ship_to_key IS NOT NULL;

-- The description of a line, here as in orders and invoices, is empty where the product's name stands for it.
CREATE TABLE shipment_line (
    shipment_id   TEXT   NOT NULL,
    line_no       BIGINT NOT NULL,
    product_code  TEXT,
    description   TEXT   NOT NULL,
    quantity      TEXT   NOT NULL,
    unit          TEXT,
    PRIMARY KEY (shipment_id, line_no)
);

CREATE TABLE shipment_order (
    shipment_id   TEXT   NOT NULL,
    order_number  TEXT   NOT NULL,
    PRIMARY KEY (shipment_id, order_number)
);

CREATE TABLE product (
    id            TEXT    NOT NULL PRIMARY KEY,
    connection_id TEXT    NOT NULL,
    external_id   TEXT    NOT NULL,
    code          TEXT    NOT NULL,           -- as the lines of the same connection name it; not always unique
    name          TEXT    NOT NULL,
    unit          TEXT,
    price         TEXT,                       -- decimal, for one unit
    currency      TEXT    NOT NULL,
    active        BOOLEAN NOT NULL,
    seq           BIGINT  NOT NULL,
    received_at   BIGINT  NOT NULL,
    deleted_at    BIGINT
);
CREATE INDEX product_code ON product (connection_id, code);
