//! Business that goes on while the samples run: new orders, shipments, invoices and payments.
//!
//! Invariant: the company (under its lock), the tables and the events change together and in that
//! order, so whoever reacts to an event finds the record.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::civil::Date;
use tokio::sync::oneshot;

use crate::accounting::{self, Accounting};
use crate::company::{
    Company, Invoice, InvoiceState, Order, OrderState, Payment, Profile, closing_of, draw_lines, invoice_number,
    issued, net_and_tax, order_number, plus_days, subject, working_day,
};
use crate::rng::Rng;
use crate::sales::{self, Sales};
use crate::serve::rendered;
use crate::webhook::{Answer, WebhookSender};

#[derive(Debug)]
struct Books {
    company: Company,
    rng: Rng,
    next_order: u64,
    next_invoice: u32,
    today: Date,
}

#[derive(Debug)]
pub(crate) struct Live {
    books: Mutex<Books>,
    pub sales: Arc<Sales>,
    pub accounting: Arc<Accounting>,
    pub sales_hook: WebhookSender,
    pub accounting_hook: WebhookSender,
}

/// What happened, for whoever waits for the hook's answer.
#[derive(Debug)]
pub(crate) struct Created {
    pub number: String,
    pub customer_code: String,
    pub answer: oneshot::Receiver<Answer>,
}

/// Running part of a number such as `SO-26-11873`.
fn running(number: &str) -> u64 {
    number.rsplit('-').next().and_then(|n| n.parse().ok()).unwrap_or(0)
}

impl Live {
    pub(crate) fn new(
        company: Company,
        today: Date,
        (sales, accounting): (Arc<Sales>, Arc<Accounting>),
        (sales_hook, accounting_hook): (WebhookSender, WebhookSender),
    ) -> Self {
        let next_order = company.orders.iter().map(|o| running(&o.number)).max().unwrap_or(10_000) + 1;
        let next_invoice = company.invoices.last().map_or(0, |i| running(&i.number) as u32) + 1;
        let rng = Rng::new(crate::clock::now().as_nanosecond() as u64);
        let books = Mutex::new(Books { company, rng, next_order, next_invoice, today });
        Self { books, sales, accounting, sales_hook, accounting_hook }
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A new order, in the table and on its way to the hook. `None` without customers.
    pub(crate) fn new_order(&self) -> Option<Created> {
        let mut books = self.books();
        let customer = books.draw_customer();
        self.order_of(&mut books, customer)
    }

    /// As [`Self::new_order`], of the customer with a code. `None` without that customer.
    pub(crate) fn new_order_for(&self, code: &str) -> Option<Created> {
        let mut books = self.books();
        let customer = books.company.customers.iter().position(|c| c.code == code)?;
        self.order_of(&mut books, customer)
    }

    fn order_of(&self, books: &mut Books, customer: usize) -> Option<Created> {
        let mut order = books.draw_order(customer)?;
        let customer = &books.company.customers[order.customer];
        self.sales.orders.put(order.id, |at| {
            (order.occurred, order.changed) = (at, at);
            rendered(&sales::order(&order, customer))
        });
        let answer = self.sales_hook.sales("order.created", &sales::order(&order, customer));
        let created = Created { number: order.number.clone(), customer_code: customer.code.clone(), answer };
        books.company.orders.push(order);
        Some(created)
    }

    /// Ships the order that is due first.
    pub(crate) fn ship_one(&self) {
        let books = &mut *self.books();
        let due =
            books.company.orders.iter_mut().filter(|o| o.state == OrderState::Received).min_by_key(|o| o.delivery);
        let Some(order) = due else { return };
        let customer = &books.company.customers[order.customer];
        order.state = OrderState::Shipped;
        self.put_order(order, customer);
        self.sales.shipments.put(sales::shipment_id(order), |at| {
            order.changed = at;
            rendered(&sales::shipment(order, customer))
        });
        drop(self.sales_hook.sales("shipment.created", &sales::shipment(order, customer)));
    }

    fn put_order(&self, order: &mut Order, customer: &crate::company::Customer) {
        self.sales.orders.put(order.id, |at| {
            order.changed = at;
            rendered(&sales::order(order, customer))
        });
        // The ticker does not wait for answers.
        drop(self.sales_hook.sales("order.updated", &sales::order(order, customer)));
    }

    /// Invoices the oldest shipped order ahead of its closing day, as happens on request.
    pub(crate) fn invoice_one(&self) {
        let books = &mut *self.books();
        let Some(place) = books.company.orders.iter().position(|o| o.state == OrderState::Shipped) else { return };
        let (order, customers) = (&mut books.company.orders[place], &books.company.customers);
        let customer = &customers[order.customer];
        let day = books.today;
        let mut invoice = issued(order.customer, customer, day, order.lines.clone(), vec![order.number.clone()]);
        invoice.due = crate::company::due_date(closing_of(day, customer.closing_day), customer.payment_terms);
        invoice.id = 700_001 + books.company.invoices.len() as u64;
        invoice.number = invoice_number(day, books.next_invoice);
        books.next_invoice += 1;
        order.state = OrderState::Done;
        self.put_order(order, customer);
        self.accounting.invoices.put(invoice.id, |at| {
            (invoice.occurred, invoice.changed) = (at, at);
            rendered(&accounting::invoice(&invoice, customer))
        });
        drop(self.accounting_hook.accounting("invoice.created", invoice.id));
        books.company.invoices.push(invoice);
    }

    /// Pays the open invoice that is due first, less its credit notes and what came before.
    pub(crate) fn pay_one(&self) {
        let books = &mut *self.books();
        let Some((mut payment, settled)) = books.draw_payment() else { return };
        let company = &mut books.company;
        let customer = &company.customers[payment.customer];
        self.accounting.payments.put(payment.id, |at| {
            payment.occurred = at;
            rendered(&accounting::payment(&payment, customer))
        });
        drop(self.accounting_hook.accounting("payment.created", payment.id));
        let touched = |i: &&mut Invoice| i.number == settled || i.corrects.as_deref() == Some(&settled);
        for invoice in company.invoices.iter_mut().filter(touched) {
            invoice.state = InvoiceState::Settled;
            self.accounting.invoices.put(invoice.id, |at| {
                invoice.changed = at;
                rendered(&accounting::invoice(invoice, customer))
            });
            drop(self.accounting_hook.accounting("invoice.updated", invoice.id));
        }
        company.payments.push(payment);
    }

    /// One step of the ticker: mostly new orders, now and then what follows from earlier ones.
    pub(crate) fn step(&self, n: u64) {
        match n % 6 {
            2 => self.ship_one(),
            3 => self.pay_one(),
            5 => self.invoice_one(),
            _ => drop(self.new_order()),
        }
    }
}

impl Books {
    /// The place of the customer who orders next.
    fn draw_customer(&mut self) -> usize {
        let customers = &self.company.customers;
        let shown = customers.iter().position(|c| c.code == "C-00127");
        match shown {
            Some(shown) if self.rng.percent(15) => shown,
            // A dormant customer stays dormant in the demo; two draws are enough for that.
            _ => (0..2)
                .map(|_| self.rng.below(customers.len()))
                .find(|&i| customers.get(i).is_some_and(|c| c.profile != Profile::Dormant))
                .unwrap_or(0),
        }
    }

    fn draw_order(&mut self, index: usize) -> Option<Order> {
        let customer = self.company.customers.get(index)?;
        let lines = draw_lines(&mut self.rng, customer);
        let (net, tax) = net_and_tax(&lines);
        let now = crate::clock::now();
        let id = 300_001 + self.company.orders.len() as u64;
        let number = order_number(self.today, self.next_order);
        self.next_order += 1;
        Some(Order {
            id,
            number,
            customer: index,
            site: None,
            subject: subject(&lines),
            ordered: self.today,
            delivery: working_day(plus_days(self.today, self.rng.between(5, 20))),
            state: OrderState::Received,
            lines,
            net,
            tax,
            occurred: now,
            changed: now,
        })
    }

    /// The payment and the number of the invoice it settles.
    fn draw_payment(&self) -> Option<(Payment, String)> {
        let open = |i: &&Invoice| i.corrects.is_none() && i.state != InvoiceState::Settled;
        let invoice = self.company.invoices.iter().filter(open).min_by_key(|i| (i.due, i.id))?;
        let credited: i64 = self
            .company
            .invoices
            .iter()
            .filter(|i| i.corrects.as_ref() == Some(&invoice.number))
            .map(Invoice::total)
            .sum();
        let before: i64 = self
            .company
            .payments
            .iter()
            .flat_map(|p| &p.allocations)
            .filter(|(number, _)| *number == invoice.number)
            .map(|(_, amount)| amount)
            .sum();
        let amount = (invoice.total() - credited - before).max(0);
        let running = self.company.payments.len() as u64 + 1;
        let payment = Payment {
            id: 880_000 + running,
            number: format!("PM-{:02}-{running:05}", self.today.year().rem_euclid(100)),
            customer: invoice.customer,
            paid: self.today,
            method: "振込",
            amount,
            allocations: vec![(invoice.number.clone(), amount)],
            occurred: crate::clock::now(),
        };
        Some((payment, invoice.number.clone()))
    }
}
