//! Reading the fields of a mapped object, with every field that cannot be taken.

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value};

use super::{
    super::{Currency, Date, Money, custom},
    CUSTOMER_FIELDS, Contact, CustomerFields, FieldError, Invoice, LIFE_STAGES, Line, Order, Payment, Product,
    Shipment, ShipmentLine, Site, TaxLine,
};

/// Reads fields and collects what is wrong instead of stopping at the first.
pub(super) struct Reader<'a> {
    map: &'a Map<String, Value>,
    pub errors: Vec<FieldError>,
}

impl<'a> Reader<'a> {
    pub fn new(map: &'a Map<String, Value>) -> Self {
        Self { map, errors: Vec::new() }
    }

    pub(super) fn fail(&mut self, code: &'static str, field: &str, value: impl Into<String>) {
        self.errors.push(FieldError { code, field: field.to_owned(), value: value.into() });
    }

    pub(super) fn text(&mut self, field: &str) -> Option<String> {
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

    pub(super) fn required(&mut self, field: &str) -> String {
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

    pub(super) fn date(&mut self, field: &str) -> Option<Date> {
        let text = self.text(field)?;
        let date = Date::parse(&text);
        if date.is_none() {
            self.fail("FMT_DATE", field, text);
        }
        date
    }

    pub(super) fn required_date(&mut self, field: &str) -> Date {
        let before = self.errors.len();
        self.date(field).unwrap_or_else(|| {
            if self.errors.len() == before {
                self.fail("REQ_EMPTY", field, "");
            }
            Date(jiff::civil::Date::ZERO)
        })
    }

    pub(super) fn currency(&mut self, default: Currency) -> Currency {
        match self.text("currency") {
            None => default,
            Some(text) => text.parse().unwrap_or_else(|()| {
                self.fail("FMT_CURRENCY", "currency", text);
                default
            }),
        }
    }

    pub(super) fn amount(&mut self, field: &str, currency: Currency) -> Option<i64> {
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

    pub(super) fn decimal(&mut self, field: &str) -> Option<String> {
        let text = self.text(field)?;
        match rust_decimal::Decimal::from_str_exact(&text) {
            Ok(_) => Some(text),
            Err(_) => {
                self.fail("FMT_NUMBER", field, text);
                None
            }
        }
    }

    fn required_decimal(&mut self, field: &str) -> String {
        let before = self.errors.len();
        self.decimal(field).unwrap_or_else(|| {
            if self.errors.len() == before {
                self.fail("REQ_EMPTY", field, "");
            }
            String::new()
        })
    }

    pub(super) fn one_of(&mut self, field: &str, allowed: &[&str]) -> String {
        match self.text(field) {
            None => allowed[0].to_owned(),
            Some(text) if allowed.contains(&text.as_str()) => text,
            Some(text) => {
                self.fail("FMT_VALUE", field, text);
                allowed[0].to_owned()
            }
        }
    }

    pub(super) fn instant(&mut self, field: &str) -> Option<i64> {
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
            let mut inner = Reader::new(map);
            out.push(read(&mut inner));
            for mut e in inner.errors {
                e.field = format!("{field}[{i}].{}", e.field);
                self.errors.push(e);
            }
        }
        out
    }

    fn texts(&mut self, field: &str) -> Vec<String> {
        let mut out: Vec<String> = match self.map.get(field) {
            Some(Value::Array(items)) => items.iter().filter_map(|v| v.as_str()).map(str::to_owned).collect(),
            Some(Value::String(one)) => vec![one.clone()],
            _ => Vec::new(),
        };
        if let Some(bad) = out.iter().find(|text| text.contains('\0')) {
            self.fail("FMT_TYPE", field, bad.replace('\0', "\u{2400}"));
        }
        let mut seen = HashSet::new();
        out.retain(|text| !text.is_empty() && seen.insert(text.clone()));
        out
    }

    pub fn customer(&mut self) -> CustomerFields {
        self.required("name");
        let mut values = Vec::with_capacity(CUSTOMER_FIELDS.len());
        for field in CUSTOMER_FIELDS {
            let value = match field {
                "credit_limit" => self.decimal(field),
                "lead_date" => self.date(field).map(|day| day.to_string()),
                "life_stage" => self.text(field).filter(|text| self.is_one_of(field, text, &LIFE_STAGES)),
                _ => self.text(field),
            };
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
        CustomerFields {
            person,
            values,
            custom: self.custom(),
            link_code: self.text("link_code"),
            hub_id: self.text("hub_id"),
            currency,
        }
    }

    fn is_one_of(&mut self, field: &str, text: &str, allowed: &[&str]) -> bool {
        let known = allowed.contains(&text);
        if !known {
            self.fail("FMT_VALUE", field, text);
        }
        known
    }

    /// Taken as they are: what is wrong with them is a warning, for which the definition is needed.
    fn custom(&self) -> Vec<(String, String)> {
        let said = self.map.iter().filter(|(field, _)| field.starts_with(custom::PREFIX));
        said.filter_map(|(field, value)| {
            let text = match value {
                Value::Null => return None,
                // PostgreSQL cannot store NUL.
                Value::String(text) => text.replace('\0', "\u{2400}"),
                other => other.to_string(),
            };
            Some((field.clone(), text)).filter(|(_, text)| !text.trim().is_empty())
        })
        .collect()
    }

    pub fn site(&mut self) -> Site {
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

    pub fn contact(&mut self) -> Contact {
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

    pub fn product(&mut self, default: Currency) -> Product {
        Product {
            code: self.required("code"),
            name: self.required("name"),
            unit: self.text("unit"),
            price: self.decimal("price"),
            currency: self.currency(default),
            active: self.one_of("active", &["true", "false"]) == "true",
        }
    }

    /// Code and description of a line: it needs one of the two.
    fn goods(&mut self) -> (Option<String>, String) {
        let code = self.text("product_code");
        let description = if code.is_some() { self.text("description") } else { Some(self.required("description")) };
        (code, description.unwrap_or_default())
    }

    pub(super) fn lines(&mut self, currency: Currency) -> Vec<Line> {
        self.items("lines", |r| {
            let (product_code, description) = r.goods();
            Line {
                product_code,
                description,
                quantity: r.decimal("quantity"),
                unit: r.text("unit"),
                unit_price: r.decimal("unit_price"),
                amount_minor: r.required_amount("amount", currency),
                tax_rate: r.decimal("tax_rate"),
            }
        })
    }

    /// Net, tax and total; what the source leaves out follows from the other two.
    pub(super) fn totals(&mut self, currency: Currency) -> (i64, i64, i64) {
        let total = self.required_amount("total", currency);
        match (self.amount("net", currency), self.amount("tax", currency)) {
            (Some(net), Some(tax)) => (net, tax, total),
            (Some(net), None) => (net, total.saturating_sub(net), total),
            (None, Some(tax)) => (total.saturating_sub(tax), tax, total),
            (None, None) => (total, 0, total),
        }
    }

    pub fn order(&mut self, default: Currency) -> Order {
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

    pub fn shipment(&mut self) -> Shipment {
        Shipment {
            customer: self.required("customer"),
            number: self.required("number"),
            ship_date: self.required_date("ship_date"),
            status: self.one_of("status", &["shipped", "planned", "cancelled"]),
            carrier: self.text("carrier"),
            tracking: self.text("tracking"),
            ship_to: self.text("ship_to"),
            subject: self.text("subject"),
            orders: self.texts("orders"),
            occurred_at: self.instant("occurred_at"),
            lines: self.items("lines", |r| {
                let (product_code, description) = r.goods();
                let quantity = r.required_decimal("quantity");
                ShipmentLine { product_code, description, quantity, unit: r.text("unit") }
            }),
        }
    }

    /// One line a rate: a source that lists a rate twice means both.
    fn taxes(&mut self, currency: Currency) -> Vec<TaxLine> {
        let lines = self.items("taxes", |r| TaxLine {
            rate: r.decimal("rate").unwrap_or_default(),
            taxable_minor: r.required_amount("taxable", currency),
            tax_minor: r.required_amount("tax", currency),
        });
        let mut out: Vec<TaxLine> = Vec::with_capacity(lines.len());
        for line in lines {
            match out.iter_mut().find(|known| known.rate == line.rate) {
                Some(known) => {
                    known.taxable_minor = known.taxable_minor.saturating_add(line.taxable_minor);
                    known.tax_minor = known.tax_minor.saturating_add(line.tax_minor);
                }
                None => out.push(line),
            }
        }
        out
    }

    /// One amount an invoice: what is allocated to it twice is allocated together.
    fn allocations(&mut self, currency: Currency) -> Vec<(String, i64)> {
        let parts = self.items("allocations", |r| (r.required("invoice"), r.required_amount("amount", currency)));
        let mut places: HashMap<String, usize> = HashMap::with_capacity(parts.len());
        let mut out: Vec<(String, i64)> = Vec::with_capacity(parts.len());
        for (invoice, amount) in parts {
            match places.get(&invoice) {
                Some(&at) => out[at].1 = out[at].1.saturating_add(amount),
                None => {
                    places.insert(invoice.clone(), out.len());
                    out.push((invoice, amount));
                }
            }
        }
        out
    }

    pub fn invoice(&mut self, default: Currency) -> Invoice {
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
            taxes: self.taxes(currency),
            orders: self.texts("orders"),
        }
    }

    pub fn payment(&mut self, default: Currency) -> Payment {
        let currency = self.currency(default);
        Payment {
            customer: self.required("customer"),
            number: self.text("number"),
            paid_date: self.required_date("paid_date"),
            method: self.text("method"),
            currency,
            amount_minor: self.required_amount("amount", currency),
            occurred_at: self.instant("occurred_at"),
            allocations: self.allocations(currency),
        }
    }
}
