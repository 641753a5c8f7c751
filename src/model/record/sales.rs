//! What stands around orders: deals and quotes before them, contracts and inquiries beside them.

use super::{
    super::{Currency, Date},
    Line,
    reader::Reader,
};

/// Business that may come of a customer.
#[derive(Clone, PartialEq)]
pub struct Deal {
    pub customer: String,
    pub name: String,
    pub number: Option<String>,
    /// In the source's own words.
    pub stage: Option<String>,
    /// `open`, `won` or `lost`.
    pub status: String,
    pub currency: Currency,
    pub amount_minor: Option<i64>,
    /// Percent, 0 to 100.
    pub probability: Option<i64>,
    pub opened_date: Option<Date>,
    pub expected_date: Option<Date>,
    /// When it was won or lost.
    pub closed_date: Option<Date>,
    /// Why it was won or lost.
    pub reason: Option<String>,
    pub owner: Option<String>,
    /// Number of the order that it became.
    pub order: Option<String>,
    pub occurred_at: Option<i64>,
}

/// What was offered to a customer.
#[derive(Clone, PartialEq)]
pub struct Quote {
    pub customer: String,
    pub number: String,
    pub issue_date: Date,
    /// Last day on which it can be accepted.
    pub valid_until: Option<Date>,
    /// `sent`, `draft`, `accepted`, `rejected` or `expired`.
    pub status: String,
    pub subject: Option<String>,
    /// Key of its deal in the same system.
    pub deal: Option<String>,
    pub currency: Currency,
    pub net_minor: i64,
    pub tax_minor: i64,
    pub total_minor: i64,
    pub occurred_at: Option<i64>,
    pub lines: Vec<Line>,
}

/// What was agreed for a time.
#[derive(Clone, Debug, PartialEq)]
pub struct Contract {
    pub customer: String,
    pub number: String,
    pub name: String,
    pub start_date: Date,
    /// Last day; `None`: until somebody ends it.
    pub end_date: Option<Date>,
    /// `manual`, `automatic` or `none`.
    pub renewal: String,
    /// `active`, `draft`, `ended` or `cancelled`.
    pub status: String,
    pub currency: Currency,
    pub amount_minor: Option<i64>,
    pub note: Option<String>,
    pub occurred_at: Option<i64>,
}

/// Something that a customer asked.
#[derive(Clone, Debug, PartialEq)]
pub struct Inquiry {
    pub customer: String,
    pub number: Option<String>,
    pub received_date: Date,
    /// `phone`, `mail`, `web`, `chat`, `visit` or `other`.
    pub channel: String,
    pub subject: String,
    pub note: Option<String>,
    /// `open`, `answered` or `closed`.
    pub status: String,
    pub answered_at: Option<i64>,
    pub owner: Option<String>,
    /// When it came, where the source has more than the day.
    pub occurred_at: Option<i64>,
}

impl Reader<'_> {
    pub(super) fn deal(&mut self, default: Currency) -> Deal {
        let currency = self.currency(default);
        Deal {
            customer: self.required("customer"),
            name: self.required("name"),
            number: self.text("number"),
            stage: self.text("stage"),
            status: self.one_of("status", &["open", "won", "lost"]),
            currency,
            amount_minor: self.amount("amount", currency),
            probability: self.percent("probability"),
            opened_date: self.date("opened_date"),
            expected_date: self.date("expected_date"),
            closed_date: self.date("closed_date"),
            reason: self.text("reason"),
            owner: self.text("owner"),
            order: self.text("order"),
            occurred_at: self.instant("occurred_at"),
        }
    }

    /// 0 to 100, rounded to whole percent.
    fn percent(&mut self, field: &str) -> Option<i64> {
        let text = self.decimal(field)?;
        let number = text.parse::<rust_decimal::Decimal>().ok();
        let whole = number.map(|n| n.round()).and_then(|n| i64::try_from(n).ok()).filter(|n| (0..=100).contains(n));
        if whole.is_none() {
            self.fail("FMT_VALUE", field, text);
        }
        whole
    }

    pub(super) fn quote(&mut self, default: Currency) -> Quote {
        let currency = self.currency(default);
        let (net_minor, tax_minor, total_minor) = self.totals(currency);
        Quote {
            customer: self.required("customer"),
            number: self.required("number"),
            issue_date: self.required_date("issue_date"),
            valid_until: self.date("valid_until"),
            status: self.one_of("status", &["sent", "draft", "accepted", "rejected", "expired"]),
            subject: self.text("subject"),
            deal: self.text("deal"),
            currency,
            net_minor,
            tax_minor,
            total_minor,
            occurred_at: self.instant("occurred_at"),
            lines: self.lines(currency),
        }
    }

    pub(super) fn contract(&mut self, default: Currency) -> Contract {
        let currency = self.currency(default);
        let contract = Contract {
            customer: self.required("customer"),
            number: self.required("number"),
            name: self.required("name"),
            start_date: self.required_date("start_date"),
            end_date: self.date("end_date"),
            renewal: self.one_of("renewal", &["manual", "automatic", "none"]),
            status: self.one_of("status", &["active", "draft", "ended", "cancelled"]),
            currency,
            amount_minor: self.amount("amount", currency),
            note: self.text("note"),
            occurred_at: self.instant("occurred_at"),
        };
        if let Some(end) = contract.end_date.filter(|end| *end < contract.start_date) {
            self.fail("DATE_ORDER", "end_date", end.to_string());
        }
        contract
    }

    pub(super) fn inquiry(&mut self) -> Inquiry {
        Inquiry {
            customer: self.required("customer"),
            number: self.text("number"),
            received_date: self.required_date("received_date"),
            channel: self.one_of("channel", &["other", "phone", "mail", "web", "chat", "visit"]),
            subject: self.required("subject"),
            note: self.text("note"),
            status: self.one_of("status", &["open", "answered", "closed"]),
            answered_at: self.instant("answered_at"),
            owner: self.text("owner"),
            occurred_at: self.instant("occurred_at"),
        }
    }
}
