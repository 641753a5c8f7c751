-- Tools that read again only what changed ask for documents by when they came.
CREATE INDEX sales_order_received ON sales_order (received_at);
CREATE INDEX shipment_received ON shipment (received_at);
CREATE INDEX invoice_received ON invoice (received_at);
CREATE INDEX payment_received ON payment (received_at);

-- The schema `bi`: views for BI tools, with native types and stable names. What was deleted at its source or merged
-- away is not in them; sample data is, and says so. How single people are reached is not in them at all: a role of
-- the database knows nothing of the roles of the hub. Where the hub's own tables stand in another schema than
-- `public`, the views stand in SCHEMA_bi.
DO $$
DECLARE
    home text := current_schema();
    feed text := CASE WHEN home = 'public' THEN 'bi' ELSE home || '_bi' END;
BEGIN
    IF NOT EXISTS (SELECT FROM pg_namespace WHERE nspname = feed) THEN
        EXECUTE format('CREATE SCHEMA %I', feed);
    END IF;
    EXECUTE format('COMMENT ON SCHEMA %I IS %L', feed,
        'Musubi: customers and their documents for BI tools. Read-only; names stay. See docs/bi.md');
    PERFORM set_config('musubi.path', current_setting('search_path'), true);
    -- What is made without a schema from here on is made in the feed, and reads the tables at home.
    PERFORM set_config('search_path', format('%I, %I', feed, home), true);
END
$$;

CREATE FUNCTION amount(minor bigint, currency text) RETURNS numeric LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CAST(minor AS numeric) * CASE
        WHEN currency IN ('BIF','CLP','DJF','GNF','ISK','JPY','KMF','KRW','PYG','RWF','UGX','UYI','VND','VUV','XAF','XOF','XPF') THEN 1
        WHEN currency IN ('BHD','IQD','JOD','KWD','LYD','OMR','TND') THEN 0.001
        WHEN currency IN ('CLF','UYW') THEN 0.0001
        ELSE 0.01 END
$$;
COMMENT ON FUNCTION amount IS 'Whole units of a currency from its minor units';

CREATE FUNCTION decimal_of(value text) RETURNS numeric LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN value ~ '^-?[0-9]{1,28}([.][0-9]{1,28})?$' THEN CAST(value AS numeric) END
$$;
COMMENT ON FUNCTION decimal_of IS 'A number from its decimal text';

CREATE FUNCTION instant(micros bigint) RETURNS timestamptz LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT to_timestamp(CAST(micros AS double precision) / 1000000)
$$;
COMMENT ON FUNCTION instant IS 'A time from microseconds since 1970 in UTC';

CREATE VIEW customers AS SELECT
    t.id AS id,
    t.kind AS kind,
    t.code AS code,
    t.name AS name,
    t.name_kana AS name_kana,
    t.corporate_number AS corporate_number,
    t.registration_number AS registration_number,
    CASE WHEN t.kind = 'person' THEN NULL ELSE t.phone END AS phone,
    CASE WHEN t.kind = 'person' THEN NULL ELSE t.mail END AS mail,
    CASE WHEN t.kind = 'person' THEN NULL ELSE t.postal_code END AS postal_code,
    CASE WHEN t.kind = 'person' THEN NULL ELSE t.address END AS address,
    t.industry AS industry,
    t.department AS department,
    t.owner AS owner,
    t.closing_day AS closing_day,
    t.payment_terms AS payment_terms,
    t.price_class AS price_class,
    CAST(amount(t.credit_limit_minor, t.currency) AS numeric(23,4)) AS credit_limit,
    t.currency AS currency,
    t.sample AS sample,
    instant(t.created_at) AS created_at,
    instant(t.updated_at) AS updated_at,
    s.basis AS sales_basis,
    CAST(amount(s.sales_12m_minor, t.currency) AS numeric(23,4)) AS sales_12_months,
    CAST(amount(s.sales_prev_minor, t.currency) AS numeric(23,4)) AS sales_previous_12_months,
    CAST(amount(s.ltv_minor, t.currency) AS numeric(23,4)) AS sales_total,
    s.orders_12m AS orders_12_months,
    CAST(amount(s.receivable_minor, t.currency) AS numeric(23,4)) AS receivable,
    CAST(amount(s.overdue_minor, t.currency) AS numeric(23,4)) AS overdue,
    CAST(s.first_order AS date) AS first_order,
    CAST(s.last_order AS date) AS last_order,
    CAST(s.last_contact AS date) AS last_contact,
    s.health AS health,
    instant(s.refreshed_at) AS figures_at
FROM customer t LEFT JOIN customer_stat s ON s.customer_id = t.id
WHERE t.merged_into IS NULL;
COMMENT ON VIEW customers IS 'The golden record of every customer with the figures of its page; one row each, merged ones left out';
COMMENT ON COLUMN customers.id IS 'Stays for ever';
COMMENT ON COLUMN customers.kind IS 'corporation or person';
COMMENT ON COLUMN customers.code IS 'The customer code shown first';
COMMENT ON COLUMN customers.name IS 'Name';
COMMENT ON COLUMN customers.name_kana IS 'Reading of the name';
COMMENT ON COLUMN customers.corporate_number IS '13 digits of the national register';
COMMENT ON COLUMN customers.registration_number IS 'T and 13 digits of the qualified invoice issuer';
COMMENT ON COLUMN customers.phone IS 'Telephone; empty for persons';
COMMENT ON COLUMN customers.mail IS 'Mail address; empty for persons';
COMMENT ON COLUMN customers.postal_code IS 'Postal code; empty for persons';
COMMENT ON COLUMN customers.address IS 'Address; empty for persons';
COMMENT ON COLUMN customers.industry IS 'Line of business';
COMMENT ON COLUMN customers.department IS 'Our department in charge';
COMMENT ON COLUMN customers.owner IS 'Our person in charge';
COMMENT ON COLUMN customers.closing_day IS 'Day on which invoices are closed';
COMMENT ON COLUMN customers.payment_terms IS 'Agreed terms of payment';
COMMENT ON COLUMN customers.price_class IS 'Agreed price class';
COMMENT ON COLUMN customers.credit_limit IS 'Credit limit in currency';
COMMENT ON COLUMN customers.currency IS 'ISO 4217 code of this row''s amounts';
COMMENT ON COLUMN customers.sample IS 'Known to the sample systems only; leave it out of real figures';
COMMENT ON COLUMN customers.created_at IS 'When the hub first knew it';
COMMENT ON COLUMN customers.updated_at IS 'When the golden record last changed';
COMMENT ON COLUMN customers.sales_basis IS 'What sales are made of: invoiced or ordered';
COMMENT ON COLUMN customers.sales_12_months IS 'Sales of the last 12 months without tax, credit notes taken off';
COMMENT ON COLUMN customers.sales_previous_12_months IS 'Sales of the 12 months before';
COMMENT ON COLUMN customers.sales_total IS 'All sales there are';
COMMENT ON COLUMN customers.orders_12_months IS 'Orders of the last 12 months';
COMMENT ON COLUMN customers.receivable IS 'Open invoices with tax, less what was paid';
COMMENT ON COLUMN customers.overdue IS 'The part of it whose due date has passed';
COMMENT ON COLUMN customers.first_order IS 'Date of the first order';
COMMENT ON COLUMN customers.last_order IS 'Date of the last order';
COMMENT ON COLUMN customers.last_contact IS 'Last order or activity';
COMMENT ON COLUMN customers.health IS 'good, watch, act, new or dormant';
COMMENT ON COLUMN customers.figures_at IS 'When the figures were computed; empty: not yet';

CREATE VIEW sites AS SELECT
    t.id AS id,
    t.customer_id AS customer_id,
    t.code AS code,
    t.role AS role,
    t.name AS name,
    CASE WHEN c.kind = 'person' THEN NULL ELSE t.postal_code END AS postal_code,
    CASE WHEN c.kind = 'person' THEN NULL ELSE t.address END AS address,
    CASE WHEN c.kind = 'person' THEN NULL ELSE t.phone END AS phone,
    t.closing_day AS closing_day,
    t.owner AS owner,
    t.connection_id AS connection_id,
    t.external_id AS external_id,
    COALESCE((SELECT k.sample FROM connection k WHERE k.id = t.connection_id), FALSE) AS sample,
    instant(t.updated_at) AS updated_at
FROM site t JOIN customer c ON c.id = t.customer_id;
COMMENT ON VIEW sites IS 'Places of customers: where goods and bills go';
COMMENT ON COLUMN sites.id IS 'Key';
COMMENT ON COLUMN sites.customer_id IS 'Whose it is: customers.id';
COMMENT ON COLUMN sites.code IS 'The site''s own code';
COMMENT ON COLUMN sites.role IS 'ship_to, bill_to or both';
COMMENT ON COLUMN sites.name IS 'Name';
COMMENT ON COLUMN sites.postal_code IS 'Postal code; empty for persons';
COMMENT ON COLUMN sites.address IS 'Address; empty for persons';
COMMENT ON COLUMN sites.phone IS 'Telephone; empty for persons';
COMMENT ON COLUMN sites.closing_day IS 'The site''s own closing day';
COMMENT ON COLUMN sites.owner IS 'Our person in charge';
COMMENT ON COLUMN sites.connection_id IS 'Id of the connection that keeps the record';
COMMENT ON COLUMN sites.external_id IS 'The record''s key in that system';
COMMENT ON COLUMN sites.sample IS 'Comes from the sample systems; leave it out of real figures';
COMMENT ON COLUMN sites.updated_at IS 'When it last changed';

CREATE VIEW contacts AS SELECT
    t.id AS id,
    t.customer_id AS customer_id,
    t.name AS name,
    t.name_kana AS name_kana,
    t.department AS department,
    t.title AS title,
    t.connection_id AS connection_id,
    t.external_id AS external_id,
    COALESCE((SELECT k.sample FROM connection k WHERE k.id = t.connection_id), FALSE) AS sample,
    instant(t.updated_at) AS updated_at
FROM contact t;
COMMENT ON VIEW contacts IS 'People at customers, without how they are reached';
COMMENT ON COLUMN contacts.id IS 'Key';
COMMENT ON COLUMN contacts.customer_id IS 'Whose it is: customers.id';
COMMENT ON COLUMN contacts.name IS 'Name';
COMMENT ON COLUMN contacts.name_kana IS 'Reading of the name';
COMMENT ON COLUMN contacts.department IS 'Their department';
COMMENT ON COLUMN contacts.title IS 'Their title';
COMMENT ON COLUMN contacts.connection_id IS 'Id of the connection that keeps the record';
COMMENT ON COLUMN contacts.external_id IS 'The record''s key in that system';
COMMENT ON COLUMN contacts.sample IS 'Comes from the sample systems; leave it out of real figures';
COMMENT ON COLUMN contacts.updated_at IS 'When it last changed';

CREATE VIEW orders AS SELECT
    t.id AS id,
    t.customer_id AS customer_id,
    t.number AS number,
    CAST(t.order_date AS date) AS order_date,
    CAST(t.delivery_date AS date) AS delivery_date,
    t.status AS status,
    t.subject AS subject,
    t.bill_to AS bill_to_id,
    t.ship_to AS ship_to_id,
    t.currency AS currency,
    CAST(amount(t.net_minor, t.currency) AS numeric(23,4)) AS net,
    CAST(amount(t.tax_minor, t.currency) AS numeric(23,4)) AS tax,
    CAST(amount(t.total_minor, t.currency) AS numeric(23,4)) AS total,
    t.line_count AS line_count,
    t.connection_id AS connection_id,
    t.external_id AS external_id,
    COALESCE((SELECT k.sample FROM connection k WHERE k.id = t.connection_id), FALSE) AS sample,
    instant(t.occurred_at) AS occurred_at,
    instant(t.received_at) AS updated_at
FROM sales_order t
WHERE t.deleted_at IS NULL;
COMMENT ON VIEW orders IS 'Orders; amounts as the source rounded them';
COMMENT ON COLUMN orders.id IS 'Key';
COMMENT ON COLUMN orders.customer_id IS 'Whose it is: customers.id';
COMMENT ON COLUMN orders.number IS 'Number in the source''s system';
COMMENT ON COLUMN orders.order_date IS 'Date of the order';
COMMENT ON COLUMN orders.delivery_date IS 'Wished or promised delivery';
COMMENT ON COLUMN orders.status IS 'open, shipped, closed or cancelled';
COMMENT ON COLUMN orders.subject IS 'Subject';
COMMENT ON COLUMN orders.bill_to_id IS 'Who pays, where that is another customer';
COMMENT ON COLUMN orders.ship_to_id IS 'sites.id of where it goes';
COMMENT ON COLUMN orders.currency IS 'ISO 4217 code of the amounts';
COMMENT ON COLUMN orders.net IS 'Amount without tax';
COMMENT ON COLUMN orders.tax IS 'Tax';
COMMENT ON COLUMN orders.total IS 'Amount with tax';
COMMENT ON COLUMN orders.line_count IS 'Lines of the order';
COMMENT ON COLUMN orders.connection_id IS 'Id of the connection that keeps the record';
COMMENT ON COLUMN orders.external_id IS 'The record''s key in that system';
COMMENT ON COLUMN orders.sample IS 'Comes from the sample systems; leave it out of real figures';
COMMENT ON COLUMN orders.occurred_at IS 'When it happened, as the source says; often empty';
COMMENT ON COLUMN orders.updated_at IS 'When the hub last took a change of it';

CREATE VIEW order_lines AS SELECT
    t.order_id AS order_id,
    t.line_no AS line_no,
    t.product_code AS product_code,
    CASE WHEN t.description <> '' THEN t.description ELSE COALESCE(
        (SELECT p.name FROM product p WHERE p.connection_id = d.connection_id AND p.code = t.product_code
            AND p.deleted_at IS NULL ORDER BY p.active DESC, p.id DESC LIMIT 1), t.product_code, '') END AS description,
    CAST(decimal_of(t.quantity) AS numeric(38,10)) AS quantity,
    t.unit AS unit,
    CAST(decimal_of(t.unit_price) AS numeric(38,10)) AS unit_price,
    d.currency AS currency,
    CAST(amount(t.amount_minor, d.currency) AS numeric(23,4)) AS amount,
    CAST(decimal_of(t.tax_rate) AS numeric(38,10)) AS tax_rate
FROM sales_order_line t JOIN sales_order d ON d.id = t.order_id
WHERE d.deleted_at IS NULL;
COMMENT ON VIEW order_lines IS 'Lines of orders';
COMMENT ON COLUMN order_lines.order_id IS 'orders.id; with line_no the key';
COMMENT ON COLUMN order_lines.line_no IS 'Place on the document, from 1';
COMMENT ON COLUMN order_lines.product_code IS 'Code of the product in the source''s system';
COMMENT ON COLUMN order_lines.description IS 'The line''s own words, else its product''s name';
COMMENT ON COLUMN order_lines.quantity IS 'How many';
COMMENT ON COLUMN order_lines.unit IS 'Unit of the quantity, as the source writes it';
COMMENT ON COLUMN order_lines.unit_price IS 'Price of one unit, up to 10 digits after the point';
COMMENT ON COLUMN order_lines.currency IS 'ISO 4217 code of the amounts';
COMMENT ON COLUMN order_lines.amount IS 'Amount of the line without tax';
COMMENT ON COLUMN order_lines.tax_rate IS 'Tax rate in percent';

CREATE VIEW shipments AS SELECT
    t.id AS id,
    t.customer_id AS customer_id,
    t.number AS number,
    CAST(t.ship_date AS date) AS ship_date,
    t.status AS status,
    t.carrier AS carrier,
    t.tracking AS tracking,
    t.subject AS subject,
    t.ship_to AS ship_to_id,
    t.line_count AS line_count,
    t.connection_id AS connection_id,
    t.external_id AS external_id,
    COALESCE((SELECT k.sample FROM connection k WHERE k.id = t.connection_id), FALSE) AS sample,
    instant(t.occurred_at) AS occurred_at,
    instant(t.received_at) AS updated_at
FROM shipment t
WHERE t.deleted_at IS NULL;
COMMENT ON VIEW shipments IS 'What left, or shall leave, for a customer';
COMMENT ON COLUMN shipments.id IS 'Key';
COMMENT ON COLUMN shipments.customer_id IS 'Whose it is: customers.id';
COMMENT ON COLUMN shipments.number IS 'Number in the source''s system';
COMMENT ON COLUMN shipments.ship_date IS 'When it left, or shall leave';
COMMENT ON COLUMN shipments.status IS 'shipped, planned or cancelled';
COMMENT ON COLUMN shipments.carrier IS 'Who carries it';
COMMENT ON COLUMN shipments.tracking IS 'The carrier''s number';
COMMENT ON COLUMN shipments.subject IS 'Subject';
COMMENT ON COLUMN shipments.ship_to_id IS 'sites.id of where it goes';
COMMENT ON COLUMN shipments.line_count IS 'Lines of the shipment';
COMMENT ON COLUMN shipments.connection_id IS 'Id of the connection that keeps the record';
COMMENT ON COLUMN shipments.external_id IS 'The record''s key in that system';
COMMENT ON COLUMN shipments.sample IS 'Comes from the sample systems; leave it out of real figures';
COMMENT ON COLUMN shipments.occurred_at IS 'When it happened, as the source says; often empty';
COMMENT ON COLUMN shipments.updated_at IS 'When the hub last took a change of it';

CREATE VIEW shipment_lines AS SELECT
    t.shipment_id AS shipment_id,
    t.line_no AS line_no,
    t.product_code AS product_code,
    CASE WHEN t.description <> '' THEN t.description ELSE COALESCE(
        (SELECT p.name FROM product p WHERE p.connection_id = d.connection_id AND p.code = t.product_code
            AND p.deleted_at IS NULL ORDER BY p.active DESC, p.id DESC LIMIT 1), t.product_code, '') END AS description,
    CAST(decimal_of(t.quantity) AS numeric(38,10)) AS quantity,
    t.unit AS unit
FROM shipment_line t JOIN shipment d ON d.id = t.shipment_id
WHERE d.deleted_at IS NULL;
COMMENT ON VIEW shipment_lines IS 'Lines of shipments';
COMMENT ON COLUMN shipment_lines.shipment_id IS 'shipments.id; with line_no the key';
COMMENT ON COLUMN shipment_lines.line_no IS 'Place on the document, from 1';
COMMENT ON COLUMN shipment_lines.product_code IS 'Code of the product in the source''s system';
COMMENT ON COLUMN shipment_lines.description IS 'The line''s own words, else its product''s name';
COMMENT ON COLUMN shipment_lines.quantity IS 'How many';
COMMENT ON COLUMN shipment_lines.unit IS 'Unit of the quantity, as the source writes it';

CREATE VIEW invoices AS SELECT
    t.id AS id,
    t.customer_id AS customer_id,
    t.number AS number,
    t.kind AS kind,
    t.corrects AS corrects,
    CAST(t.issue_date AS date) AS issue_date,
    CAST(t.closing_date AS date) AS closing_date,
    CAST(t.due_date AS date) AS due_date,
    t.status AS status,
    t.registration_number AS registration_number,
    t.currency AS currency,
    CAST(amount(CASE WHEN t.kind = 'credit_note' THEN -t.net_minor ELSE t.net_minor END, t.currency) AS numeric(23,4)) AS net,
    CAST(amount(CASE WHEN t.kind = 'credit_note' THEN -t.tax_minor ELSE t.tax_minor END, t.currency) AS numeric(23,4)) AS tax,
    CAST(amount(CASE WHEN t.kind = 'credit_note' THEN -t.total_minor ELSE t.total_minor END, t.currency) AS numeric(23,4)) AS total,
    t.line_count AS line_count,
    t.connection_id AS connection_id,
    t.external_id AS external_id,
    COALESCE((SELECT k.sample FROM connection k WHERE k.id = t.connection_id), FALSE) AS sample,
    instant(t.occurred_at) AS occurred_at,
    instant(t.received_at) AS updated_at
FROM invoice t
WHERE t.deleted_at IS NULL;
COMMENT ON VIEW invoices IS 'Invoices, and credit notes with negative amounts: a sum is what was invoiced';
COMMENT ON COLUMN invoices.id IS 'Key';
COMMENT ON COLUMN invoices.customer_id IS 'Whose it is: customers.id';
COMMENT ON COLUMN invoices.number IS 'Number in the source''s system';
COMMENT ON COLUMN invoices.kind IS 'invoice or credit_note';
COMMENT ON COLUMN invoices.corrects IS 'Number of the invoice that a credit note corrects';
COMMENT ON COLUMN invoices.issue_date IS 'Date of issue';
COMMENT ON COLUMN invoices.closing_date IS 'Closing date of the billing period';
COMMENT ON COLUMN invoices.due_date IS 'When it is due';
COMMENT ON COLUMN invoices.status IS 'open, paid or cancelled';
COMMENT ON COLUMN invoices.registration_number IS 'Registration number of the issuer';
COMMENT ON COLUMN invoices.currency IS 'ISO 4217 code of the amounts';
COMMENT ON COLUMN invoices.net IS 'Amount without tax';
COMMENT ON COLUMN invoices.tax IS 'Tax';
COMMENT ON COLUMN invoices.total IS 'Amount with tax';
COMMENT ON COLUMN invoices.line_count IS 'Lines of the invoice';
COMMENT ON COLUMN invoices.connection_id IS 'Id of the connection that keeps the record';
COMMENT ON COLUMN invoices.external_id IS 'The record''s key in that system';
COMMENT ON COLUMN invoices.sample IS 'Comes from the sample systems; leave it out of real figures';
COMMENT ON COLUMN invoices.occurred_at IS 'When it happened, as the source says; often empty';
COMMENT ON COLUMN invoices.updated_at IS 'When the hub last took a change of it';

CREATE VIEW invoice_lines AS SELECT
    t.invoice_id AS invoice_id,
    t.line_no AS line_no,
    t.product_code AS product_code,
    CASE WHEN t.description <> '' THEN t.description ELSE COALESCE(
        (SELECT p.name FROM product p WHERE p.connection_id = d.connection_id AND p.code = t.product_code
            AND p.deleted_at IS NULL ORDER BY p.active DESC, p.id DESC LIMIT 1), t.product_code, '') END AS description,
    CAST(decimal_of(t.quantity) AS numeric(38,10)) AS quantity,
    t.unit AS unit,
    CAST(decimal_of(t.unit_price) AS numeric(38,10)) AS unit_price,
    d.currency AS currency,
    CAST(amount(CASE WHEN d.kind = 'credit_note' THEN -t.amount_minor ELSE t.amount_minor END, d.currency) AS numeric(23,4)) AS amount,
    CAST(decimal_of(t.tax_rate) AS numeric(38,10)) AS tax_rate
FROM invoice_line t JOIN invoice d ON d.id = t.invoice_id
WHERE d.deleted_at IS NULL;
COMMENT ON VIEW invoice_lines IS 'Lines of invoices; amounts of credit notes are negative';
COMMENT ON COLUMN invoice_lines.invoice_id IS 'invoices.id; with line_no the key';
COMMENT ON COLUMN invoice_lines.line_no IS 'Place on the document, from 1';
COMMENT ON COLUMN invoice_lines.product_code IS 'Code of the product in the source''s system';
COMMENT ON COLUMN invoice_lines.description IS 'The line''s own words, else its product''s name';
COMMENT ON COLUMN invoice_lines.quantity IS 'How many';
COMMENT ON COLUMN invoice_lines.unit IS 'Unit of the quantity, as the source writes it';
COMMENT ON COLUMN invoice_lines.unit_price IS 'Price of one unit, up to 10 digits after the point';
COMMENT ON COLUMN invoice_lines.currency IS 'ISO 4217 code of the amounts';
COMMENT ON COLUMN invoice_lines.amount IS 'Amount of the line without tax';
COMMENT ON COLUMN invoice_lines.tax_rate IS 'Tax rate in percent';

CREATE VIEW invoice_taxes AS SELECT
    t.invoice_id AS invoice_id,
    CAST(decimal_of(t.rate) AS numeric(38,10)) AS rate,
    d.currency AS currency,
    CAST(amount(CASE WHEN d.kind = 'credit_note' THEN -t.taxable_minor ELSE t.taxable_minor END, d.currency) AS numeric(23,4)) AS taxable,
    CAST(amount(CASE WHEN d.kind = 'credit_note' THEN -t.tax_minor ELSE t.tax_minor END, d.currency) AS numeric(23,4)) AS tax
FROM invoice_tax t JOIN invoice d ON d.id = t.invoice_id
WHERE d.deleted_at IS NULL;
COMMENT ON VIEW invoice_taxes IS 'Tax of each invoice by rate, rounded once per invoice and rate by the source';
COMMENT ON COLUMN invoice_taxes.invoice_id IS 'invoices.id; with rate the key';
COMMENT ON COLUMN invoice_taxes.rate IS 'Percent';
COMMENT ON COLUMN invoice_taxes.currency IS 'ISO 4217 code of the amounts';
COMMENT ON COLUMN invoice_taxes.taxable IS 'What the tax is computed from';
COMMENT ON COLUMN invoice_taxes.tax IS 'The tax';

CREATE VIEW payments AS SELECT
    t.id AS id,
    t.customer_id AS customer_id,
    t.number AS number,
    CAST(t.paid_date AS date) AS paid_date,
    t.method AS method,
    t.currency AS currency,
    CAST(amount(t.amount_minor, t.currency) AS numeric(23,4)) AS amount,
    t.connection_id AS connection_id,
    t.external_id AS external_id,
    COALESCE((SELECT k.sample FROM connection k WHERE k.id = t.connection_id), FALSE) AS sample,
    instant(t.occurred_at) AS occurred_at,
    instant(t.received_at) AS updated_at
FROM payment t
WHERE t.deleted_at IS NULL;
COMMENT ON VIEW payments IS 'Payments of customers';
COMMENT ON COLUMN payments.id IS 'Key';
COMMENT ON COLUMN payments.customer_id IS 'Whose it is: customers.id';
COMMENT ON COLUMN payments.number IS 'Number in the source''s system';
COMMENT ON COLUMN payments.paid_date IS 'Date of the payment';
COMMENT ON COLUMN payments.method IS 'How it was paid';
COMMENT ON COLUMN payments.currency IS 'ISO 4217 code of the amounts';
COMMENT ON COLUMN payments.amount IS 'Amount';
COMMENT ON COLUMN payments.connection_id IS 'Id of the connection that keeps the record';
COMMENT ON COLUMN payments.external_id IS 'The record''s key in that system';
COMMENT ON COLUMN payments.sample IS 'Comes from the sample systems; leave it out of real figures';
COMMENT ON COLUMN payments.occurred_at IS 'When it happened, as the source says; often empty';
COMMENT ON COLUMN payments.updated_at IS 'When the hub last took a change of it';

CREATE VIEW payment_allocations AS SELECT
    t.payment_id AS payment_id,
    t.invoice_number AS invoice_number,
    (SELECT MIN(i.id) FROM invoice i WHERE i.number = t.invoice_number
        AND i.connection_id = d.connection_id AND i.deleted_at IS NULL) AS invoice_id,
    d.currency AS currency,
    CAST(amount(t.amount_minor, d.currency) AS numeric(23,4)) AS amount
FROM payment_allocation t JOIN payment d ON d.id = t.payment_id
WHERE d.deleted_at IS NULL;
COMMENT ON VIEW payment_allocations IS 'Which invoices a payment pays';
COMMENT ON COLUMN payment_allocations.payment_id IS 'payments.id; with invoice_number the key';
COMMENT ON COLUMN payment_allocations.invoice_number IS 'Number of the invoice in the payment''s system';
COMMENT ON COLUMN payment_allocations.invoice_id IS 'invoices.id, where the hub has that invoice';
COMMENT ON COLUMN payment_allocations.currency IS 'ISO 4217 code of the amounts';
COMMENT ON COLUMN payment_allocations.amount IS 'What of the payment goes to it';

CREATE VIEW products AS SELECT
    t.id AS id,
    t.code AS code,
    t.name AS name,
    t.unit AS unit,
    CAST(decimal_of(t.price) AS numeric(38,10)) AS price,
    t.currency AS currency,
    t.active AS active,
    t.connection_id AS connection_id,
    t.external_id AS external_id,
    COALESCE((SELECT k.sample FROM connection k WHERE k.id = t.connection_id), FALSE) AS sample,
    instant(t.received_at) AS updated_at
FROM product t
WHERE t.deleted_at IS NULL;
COMMENT ON VIEW products IS 'What is sold, by the system that keeps it';
COMMENT ON COLUMN products.id IS 'Key';
COMMENT ON COLUMN products.code IS 'Code, as the lines of the same connection name it';
COMMENT ON COLUMN products.name IS 'Name';
COMMENT ON COLUMN products.unit IS 'Unit of the quantity, as the source writes it';
COMMENT ON COLUMN products.price IS 'Price of one unit';
COMMENT ON COLUMN products.currency IS 'ISO 4217 code of the amounts';
COMMENT ON COLUMN products.active IS 'Still sold';
COMMENT ON COLUMN products.connection_id IS 'Id of the connection that keeps the record';
COMMENT ON COLUMN products.external_id IS 'The record''s key in that system';
COMMENT ON COLUMN products.sample IS 'Comes from the sample systems; leave it out of real figures';
COMMENT ON COLUMN products.updated_at IS 'When the hub last took a change of it';

CREATE VIEW activities AS SELECT
    t.id AS id,
    t.customer_id AS customer_id,
    t.kind AS kind,
    t.subject AS subject,
    CAST(t.activity_date AS date) AS activity_date,
    instant(t.occurred_at) AS occurred_at,
    instant(t.created_at) AS created_at
FROM activity t;
COMMENT ON VIEW activities IS 'Visits, calls, mails, meetings and notes, without their text';
COMMENT ON COLUMN activities.id IS 'Key';
COMMENT ON COLUMN activities.customer_id IS 'Whose it is: customers.id';
COMMENT ON COLUMN activities.kind IS 'visit, call, mail, meeting or note';
COMMENT ON COLUMN activities.subject IS 'Subject';
COMMENT ON COLUMN activities.activity_date IS 'Day';
COMMENT ON COLUMN activities.occurred_at IS 'Time';
COMMENT ON COLUMN activities.created_at IS 'When it was recorded';

SELECT set_config('search_path', current_setting('musubi.path'), true);
