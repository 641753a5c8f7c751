-- Tools that read again only what changed ask for documents by when they came. PostgreSQL has views for BI tools
-- besides, in its own file of this number.
CREATE INDEX sales_order_received ON sales_order (received_at);
CREATE INDEX shipment_received ON shipment (received_at);
CREATE INDEX invoice_received ON invoice (received_at);
CREATE INDEX payment_received ON payment (received_at);
