//! Canonical records: what a mapping yields, checked and typed.
//!
//! A mapping turns a source's JSON into an object with the hub's field names; [`Canonical::read`]
//! turns that object into a typed record or into the list of fields that cannot be taken, each with
//! a stable code. Amounts become minor units here, dates calendar dates.

use serde_json::{Map, Value};

use super::{Currency, Date, Money};

/// A record of one of the hub's nouns.
#[derive(Clone, PartialEq)]
pub enum Canonical {
    Customer(Box<CustomerFields>),
    Site(Box<Site>),
    Contact(Box<Contact>),
    Order(Box<Order>),
    Invoice(Box<Invoice>),
    Payment(Box<Payment>),
}

/// The nouns a stream can carry, in the order in which they are pulled: a record comes after what
/// it refers to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    Customer,
    Site,
    Contact,
    Order,
    Invoice,
    Payment,
}

/// A field that cannot be taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    pub code: &'static str,
    pub field: String,
    pub value: String,
}

/// Values of a customer as one source has them. All text, because survivorship picks per field.
#[derive(Clone, PartialEq, Default)]
pub struct CustomerFields {
    pub person: bool,
    /// (field, value) in the order of [`CUSTOMER_FIELDS`], non-empty values only.
    pub values: Vec<(&'static str, String)>,
    pub link_code: Option<String>,
    pub currency: Option<Currency>,
}

/// Fields of the customer master that a source can fill.
pub const CUSTOMER_FIELDS: [&str; 16] = [
    "name",
    "name_kana",
    "code",
    "corporate_number",
    "registration_number",
    "phone",
    "mail",
    "postal_code",
    "address",
    "industry",
    "department",
    "owner",
    "closing_day",
    "payment_terms",
    "credit_limit",
    "price_class",
];

impl CustomerFields {
    #[must_use]
    pub fn get(&self, field: &str) -> Option<&str> {
        self.values.iter().find(|(name, _)| *name == field).map(|(_, value)| value.as_str())
    }
}

#[derive(Clone, PartialEq)]
pub struct Site {
    pub customer: String,
    pub name: String,
    pub code: Option<String>,
    pub role: String,
    pub postal_code: Option<String>,
    pub address: Option<String>,
    pub phone: Option<String>,
    pub closing_day: Option<String>,
    pub owner: Option<String>,
}

#[derive(Clone, PartialEq)]
pub struct Contact {
    pub customer: String,
    pub name: String,
    pub name_kana: Option<String>,
    pub department: Option<String>,
    pub title: Option<String>,
    pub mail: Option<String>,
    pub phone: Option<String>,
}

#[derive(Clone, PartialEq)]
pub struct Line {
    pub product_code: Option<String>,
    pub description: String,
    pub quantity: Option<String>,
    pub unit: Option<String>,
    pub unit_price: Option<String>,
    pub amount_minor: i64,
    pub tax_rate: Option<String>,
}

#[derive(Clone, PartialEq)]
pub struct Order {
    pub customer: String,
    pub number: String,
    pub order_date: Date,
    pub delivery_date: Option<Date>,
    pub status: String,
    pub subject: Option<String>,
    pub bill_to: Option<String>,
    pub ship_to: Option<String>,
    pub currency: Currency,
    pub net_minor: i64,
    pub tax_minor: i64,
    pub total_minor: i64,
    pub occurred_at: Option<i64>,
    pub lines: Vec<Line>,
}

#[derive(Clone, PartialEq)]
pub struct TaxLine {
    pub rate: String,
    pub taxable_minor: i64,
    pub tax_minor: i64,
}

#[derive(Clone, PartialEq)]
pub struct Invoice {
    pub customer: String,
    pub number: String,
    pub kind: String,
    pub corrects: Option<String>,
    pub issue_date: Date,
    pub closing_date: Option<Date>,
    pub due_date: Option<Date>,
    pub status: String,
    pub registration_number: Option<String>,
    pub currency: Currency,
    pub net_minor: i64,
    pub tax_minor: i64,
    pub total_minor: i64,
    pub occurred_at: Option<i64>,
    pub lines: Vec<Line>,
    pub taxes: Vec<TaxLine>,
    pub orders: Vec<String>,
}

#[derive(Clone, PartialEq)]
pub struct Payment {
    pub customer: String,
    pub number: Option<String>,
    pub paid_date: Date,
    pub method: Option<String>,
    pub currency: Currency,
    pub amount_minor: i64,
    pub occurred_at: Option<i64>,
    pub allocations: Vec<(String, i64)>,
}

impl Canonical {
    /// Types a mapped object. `default_currency` is the organisation's.
    pub fn read(kind: Kind, map: &Map<String, Value>, default_currency: Currency) -> Result<Self, Vec<FieldError>> {
        let mut r = Reader { map, errors: Vec::new(), prefix: String::new() };
        let record = match kind {
            Kind::Customer => Self::Customer(Box::new(r.customer())),
            Kind::Site => Self::Site(Box::new(r.site())),
            Kind::Contact => Self::Contact(Box::new(r.contact())),
            Kind::Order => Self::Order(Box::new(r.order(default_currency))),
            Kind::Invoice => Self::Invoice(Box::new(r.invoice(default_currency))),
            Kind::Payment => Self::Payment(Box::new(r.payment(default_currency))),
        };
        if r.errors.is_empty() { Ok(record) } else { Err(r.errors) }
    }

    /// The key of the customer this record belongs to, in its own system; `None` for customers.
    #[must_use]
    pub fn customer(&self) -> Option<&str> {
        match self {
            Self::Customer(_) => None,
            Self::Site(r) => Some(&r.customer),
            Self::Contact(r) => Some(&r.customer),
            Self::Order(r) => Some(&r.customer),
            Self::Invoice(r) => Some(&r.customer),
            Self::Payment(r) => Some(&r.customer),
        }
    }

    /// Number or name, for lists of failures.
    #[must_use]
    pub fn label(&self) -> Option<&str> {
        match self {
            Self::Customer(r) => r.get("name"),
            Self::Site(r) => Some(&r.name),
            Self::Contact(r) => Some(&r.name),
            Self::Order(r) => Some(&r.number),
            Self::Invoice(r) => Some(&r.number),
            Self::Payment(r) => r.number.as_deref(),
        }
    }
}

impl std::fmt::Debug for Canonical {
    /// Values are personal data and stay out of logs.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Customer(_) => "Customer(..)",
            Self::Site(_) => "Site(..)",
            Self::Contact(_) => "Contact(..)",
            Self::Order(_) => "Order(..)",
            Self::Invoice(_) => "Invoice(..)",
            Self::Payment(_) => "Payment(..)",
        })
    }
}

/// Reads fields and collects what is wrong instead of stopping at the first.
struct Reader<'a> {
    map: &'a Map<String, Value>,
    errors: Vec<FieldError>,
    prefix: String,
}

impl<'a> Reader<'a> {
    fn fail(&mut self, code: &'static str, field: &str, value: impl Into<String>) {
        self.errors.push(FieldError { code, field: format!("{}{field}", self.prefix), value: value.into() });
    }

    fn text(&mut self, field: &str) -> Option<String> {
        match self.map.get(field) {
            None | Some(Value::Null) => None,
            Some(Value::String(s)) if s.is_empty() => None,
            // PostgreSQL cannot store NUL; a source that sends one is told which field.
            Some(Value::String(s)) if s.contains('\0') => {
                self.fail("FMT_TYPE", field, s.replace('\0', "\u{2400}"));
                None
            }
            Some(Value::String(s)) => Some(s.clone()),
            Some(Value::Number(n)) => Some(n.to_string()),
            Some(other) => {
                self.fail("FMT_TYPE", field, other.to_string());
                None
            }
        }
    }

    fn required(&mut self, field: &str) -> String {
        let before = self.errors.len();
        match self.text(field) {
            Some(text) => text,
            None => {
                if self.errors.len() == before {
                    self.fail("REQ_EMPTY", field, "");
                }
                String::new()
            }
        }
    }

    fn date(&mut self, field: &str) -> Option<Date> {
        let text = self.text(field)?;
        let date = Date::parse(&text);
        if date.is_none() {
            self.fail("FMT_DATE", field, text);
        }
        date
    }

    fn required_date(&mut self, field: &str) -> Date {
        let before = self.errors.len();
        self.date(field).unwrap_or_else(|| {
            if self.errors.len() == before {
                self.fail("REQ_EMPTY", field, "");
            }
            Date(jiff::civil::Date::ZERO)
        })
    }

    fn currency(&mut self, default: Currency) -> Currency {
        match self.text("currency") {
            None => default,
            Some(text) => text.parse().unwrap_or_else(|()| {
                self.fail("FMT_CURRENCY", "currency", text);
                default
            }),
        }
    }

    fn amount(&mut self, field: &str, currency: Currency) -> Option<i64> {
        let text = self.text(field)?;
        let minor = Money::from_major(&text, currency);
        if minor.is_none() {
            self.fail("FMT_NUMBER", field, text);
        }
        minor
    }

    fn required_amount(&mut self, field: &str, currency: Currency) -> i64 {
        let before = self.errors.len();
        self.amount(field, currency).unwrap_or_else(|| {
            if self.errors.len() == before {
                self.fail("REQ_EMPTY", field, "");
            }
            0
        })
    }

    fn decimal(&mut self, field: &str) -> Option<String> {
        let text = self.text(field)?;
        match rust_decimal::Decimal::from_str_exact(&text) {
            Ok(_) => Some(text),
            Err(_) => {
                self.fail("FMT_NUMBER", field, text);
                None
            }
        }
    }

    fn one_of(&mut self, field: &str, allowed: &[&str]) -> String {
        match self.text(field) {
            None => allowed[0].to_owned(),
            Some(text) if allowed.contains(&text.as_str()) => text,
            Some(text) => {
                self.fail("FMT_VALUE", field, text);
                allowed[0].to_owned()
            }
        }
    }

    fn instant(&mut self, field: &str) -> Option<i64> {
        let text = self.text(field)?;
        match text.parse::<jiff::Timestamp>() {
            Ok(at) => Some(at.as_microsecond()),
            Err(_) => {
                self.fail("FMT_INSTANT", field, text);
                None
            }
        }
    }

    fn items<T>(&mut self, field: &str, mut read: impl FnMut(&mut Reader<'_>) -> T) -> Vec<T> {
        let Some(value) = self.map.get(field) else { return Vec::new() };
        let Value::Array(items) = value else {
            if !value.is_null() {
                self.fail("FMT_TYPE", field, value.to_string());
            }
            return Vec::new();
        };
        let mut out = Vec::with_capacity(items.len());
        for (i, item) in items.iter().enumerate() {
            let Value::Object(map) = item else {
                self.fail("FMT_TYPE", field, item.to_string());
                continue;
            };
            let mut inner = Reader { map, errors: Vec::new(), prefix: String::new() };
            out.push(read(&mut inner));
            for mut e in inner.errors {
                e.field = format!("{field}[{i}].{}", e.field);
                self.errors.push(e);
            }
        }
        out
    }

    fn texts(&mut self, field: &str) -> Vec<String> {
        match self.map.get(field) {
            Some(Value::Array(items)) => {
                items.iter().filter_map(|v| v.as_str()).filter(|s| !s.is_empty()).map(str::to_owned).collect()
            }
            Some(Value::String(one)) if !one.is_empty() => vec![one.clone()],
            _ => Vec::new(),
        }
    }

    fn customer(&mut self) -> CustomerFields {
        self.required("name");
        let mut values = Vec::with_capacity(CUSTOMER_FIELDS.len());
        for field in CUSTOMER_FIELDS {
            let value = if field == "credit_limit" { self.decimal(field) } else { self.text(field) };
            if let Some(value) = value {
                values.push((field, value));
            }
        }
        let currency = self.text("currency").and_then(|text| match text.parse() {
            Ok(currency) => Some(currency),
            Err(()) => {
                self.fail("FMT_CURRENCY", "currency", text);
                None
            }
        });
        let person = self.one_of("kind", &["corporation", "person"]) == "person";
        CustomerFields { person, values, link_code: self.text("link_code"), currency }
    }

    fn site(&mut self) -> Site {
        Site {
            customer: self.required("customer"),
            name: self.required("name"),
            code: self.text("code"),
            role: self.one_of("role", &["both", "ship_to", "bill_to"]),
            postal_code: self.text("postal_code"),
            address: self.text("address"),
            phone: self.text("phone"),
            closing_day: self.text("closing_day"),
            owner: self.text("owner"),
        }
    }

    fn contact(&mut self) -> Contact {
        Contact {
            customer: self.required("customer"),
            name: self.required("name"),
            name_kana: self.text("name_kana"),
            department: self.text("department"),
            title: self.text("title"),
            mail: self.text("mail"),
            phone: self.text("phone"),
        }
    }

    fn lines(&mut self, currency: Currency) -> Vec<Line> {
        self.items("lines", |r| Line {
            product_code: r.text("product_code"),
            description: r.required("description"),
            quantity: r.decimal("quantity"),
            unit: r.text("unit"),
            unit_price: r.decimal("unit_price"),
            amount_minor: r.required_amount("amount", currency),
            tax_rate: r.decimal("tax_rate"),
        })
    }

    /// Net, tax and total; what the source leaves out follows from the other two.
    fn totals(&mut self, currency: Currency) -> (i64, i64, i64) {
        let total = self.required_amount("total", currency);
        match (self.amount("net", currency), self.amount("tax", currency)) {
            (Some(net), Some(tax)) => (net, tax, total),
            (Some(net), None) => (net, total.saturating_sub(net), total),
            (None, Some(tax)) => (total.saturating_sub(tax), tax, total),
            (None, None) => (total, 0, total),
        }
    }

    fn order(&mut self, default: Currency) -> Order {
        let currency = self.currency(default);
        let (net_minor, tax_minor, total_minor) = self.totals(currency);
        Order {
            customer: self.required("customer"),
            number: self.required("number"),
            order_date: self.required_date("order_date"),
            delivery_date: self.date("delivery_date"),
            status: self.one_of("status", &["open", "shipped", "closed", "cancelled"]),
            subject: self.text("subject"),
            bill_to: self.text("bill_to"),
            ship_to: self.text("ship_to"),
            currency,
            net_minor,
            tax_minor,
            total_minor,
            occurred_at: self.instant("occurred_at"),
            lines: self.lines(currency),
        }
    }

    fn invoice(&mut self, default: Currency) -> Invoice {
        let currency = self.currency(default);
        let (net_minor, tax_minor, total_minor) = self.totals(currency);
        Invoice {
            customer: self.required("customer"),
            number: self.required("number"),
            kind: self.one_of("kind", &["invoice", "credit_note"]),
            corrects: self.text("corrects"),
            issue_date: self.required_date("issue_date"),
            closing_date: self.date("closing_date"),
            due_date: self.date("due_date"),
            status: self.one_of("status", &["open", "paid", "cancelled"]),
            registration_number: self.text("registration_number"),
            currency,
            net_minor,
            tax_minor,
            total_minor,
            occurred_at: self.instant("occurred_at"),
            lines: self.lines(currency),
            taxes: self.items("taxes", |r| TaxLine {
                rate: r.decimal("rate").unwrap_or_default(),
                taxable_minor: r.required_amount("taxable", currency),
                tax_minor: r.required_amount("tax", currency),
            }),
            orders: self.texts("orders"),
        }
    }

    fn payment(&mut self, default: Currency) -> Payment {
        let currency = self.currency(default);
        Payment {
            customer: self.required("customer"),
            number: self.text("number"),
            paid_date: self.required_date("paid_date"),
            method: self.text("method"),
            currency,
            amount_minor: self.required_amount("amount", currency),
            occurred_at: self.instant("occurred_at"),
            allocations: self.items("allocations", |r| (r.required("invoice"), r.required_amount("amount", currency))),
        }
    }
}
