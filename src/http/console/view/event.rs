//! `/customers/{id}/events/{event}`: one document with all fields, lines, taxes and where it came from.

use crate::{
    analytics::timeline::Event,
    http::console::Shell,
    model::{Timestamp, money::Currency},
};

/// One line of an order, shipment or invoice.
#[derive(Clone, Debug)]
pub struct Line {
    pub code: Option<String>,
    pub description: String,
    pub quantity: Option<String>,
    pub unit: Option<String>,
    /// Decimal text, as the source wrote it.
    pub unit_price: Option<String>,
    /// Without tax, in minor units; none on a shipment.
    pub amount: Option<i64>,
    /// Percent.
    pub tax_rate: Option<String>,
}

/// Tax of one rate, as the source rounded it.
#[derive(Clone, Debug)]
pub struct Tax {
    pub rate: String,
    pub taxable: i64,
    pub tax: i64,
}

/// How the record got here.
#[derive(Clone, Debug, Default)]
pub struct Lineage {
    pub run_id: Option<String>,
    pub run_number: Option<i64>,
    pub received_at: Option<Timestamp>,
    pub external_id: Option<String>,
    pub versions: i64,
}

/// See the module.
#[derive(Clone, Debug)]
pub struct EventPage {
    pub customer_id: String,
    pub customer_name: String,
    pub event: Event,
    /// Further fields: catalogue key of the name (`doc.*`) and the value as shown.
    pub fields: Vec<(String, String)>,
    pub lines: Vec<Line>,
    pub taxes: Vec<Tax>,
    pub net: Option<i64>,
    pub total: Option<i64>,
    pub lineage: Lineage,
    /// Related documents of this customer: label and event id.
    pub related: Vec<(String, String)>,
    /// Where it is changed, if the reader may: what was typed here.
    pub edit: Option<String>,
}

impl EventPage {
    #[must_use]
    pub fn title(&self, s: &Shell) -> String {
        super::event_text::event_title(s, &self.event)
    }

    #[must_use]
    pub fn line(&self, s: &Shell) -> String {
        super::event_text::event_line(s, &self.event)
    }

    /// The lines have amounts to show.
    #[must_use]
    pub fn priced(&self) -> bool {
        self.lines.iter().any(|line| line.amount.is_some())
    }

    #[must_use]
    pub fn currency(&self) -> Currency {
        self.event.currency
    }
}
