//! Runs, leases and clocks.
