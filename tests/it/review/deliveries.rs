//! Deliveries: what becomes of them.
