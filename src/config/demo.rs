//! `[demo]`: the sample systems of `musubi demo`.

use serde::{Deserialize, Serialize};

use super::{Invalid, Period};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Demo {
    pub sales_port: u16,
    pub accounting_port: u16,
    pub order_every: Period,
}

impl Demo {
    pub(super) fn validate(&self) -> Result<(), Invalid> {
        if self.order_every.0.is_zero() {
            return Err(Invalid::new("demo.order_every", "must be above 0"));
        }
        // 0 asks the system for any free port, so two zeros are no conflict.
        if self.sales_port != 0 && self.sales_port == self.accounting_port {
            return Err(Invalid::new("demo.accounting_port", "must differ from demo.sales_port"));
        }
        Ok(())
    }
}
