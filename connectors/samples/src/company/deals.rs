//! What stands around orders: deals with their quotes, contracts and inquiries.
//!
//! Every customer has a number source of its own here, so the orders and invoices of a seed stay what they were.

use jiff::{Timestamp, civil::Date};

use super::{
    CompanyOptions, Customer, Line, Order, OrderState, draw_lines, japan, net_and_tax, plus_days, working_day,
};
use crate::rng::Rng;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DealState {
    Open,
    Won,
    Lost,
}

#[derive(Clone, Debug)]
pub struct Deal {
    pub id: u64,
    pub number: String,
    pub customer: usize,
    pub name: String,
    pub stage: &'static str,
    pub state: DealState,
    pub amount: i64,
    /// Percent.
    pub probability: i64,
    pub opened: Date,
    pub expected: Date,
    pub closed: Option<Date>,
    pub reason: Option<&'static str>,
    /// Number of the order that it became.
    pub order: Option<String>,
    pub changed: Timestamp,
}

#[derive(Clone, Debug)]
pub struct Quote {
    pub id: u64,
    pub number: String,
    pub customer: usize,
    /// Key of its deal.
    pub deal: u64,
    pub subject: String,
    pub issued: Date,
    pub valid_until: Date,
    pub state: &'static str,
    pub lines: Vec<Line>,
    pub net: i64,
    pub tax: i64,
    pub changed: Timestamp,
}

#[derive(Clone, Debug)]
pub struct Contract {
    pub id: u64,
    pub number: String,
    pub customer: usize,
    pub name: &'static str,
    pub from: Date,
    pub until: Option<Date>,
    pub renewal: &'static str,
    pub state: &'static str,
    pub amount: Option<i64>,
    pub changed: Timestamp,
}

#[derive(Clone, Debug)]
pub struct Inquiry {
    pub id: u64,
    pub number: String,
    pub customer: usize,
    pub received: Timestamp,
    pub channel: &'static str,
    pub subject: &'static str,
    pub answered: Option<Timestamp>,
    pub changed: Timestamp,
}

/// Everything of this file.
#[derive(Clone, Debug, Default)]
pub struct Desk {
    pub deals: Vec<Deal>,
    pub quotes: Vec<Quote>,
    pub contracts: Vec<Contract>,
    pub inquiries: Vec<Inquiry>,
}

/// Stage and probability of open deals, in their order.
const STAGES: [(&str, i64); 4] = [("ヒアリング", 30), ("提案", 50), ("見積提出", 70), ("最終調整", 90)];
/// From this stage on there is a quote.
const QUOTED: usize = 2;
const NAMES: [&str; 8] = [
    "来期の増産",
    "検査治具の更新",
    "制御盤カバーの切り替え",
    "新ライン向け部品",
    "保守部品の年間契約",
    "共同配送への切り替え",
    "省電力タイプの試作",
    "倉庫の増設に伴う棚材",
];
const WON: [&str; 3] = ["納期", "価格", "品質の実績"];
const LOST: [&str; 3] = ["価格が合わなかった", "他社に決定", "計画の中止"];
const CONTRACTS: [&str; 3] = ["年間保守契約", "継続的売買基本契約", "単価契約"];
const QUESTIONS: [(&str, &str); 6] = [
    ("納期を早められるか", "phone"),
    ("寸法公差について", "mail"),
    ("請求書の宛名の変更", "mail"),
    ("代替品の有無", "web"),
    ("梱包方法の相談", "phone"),
    ("見積の内訳について", "web"),
];

pub(super) fn generate(options: &CompanyOptions, customers: &[Customer], orders: &[Order]) -> Desk {
    let mut desk = Desk::default();
    for (index, customer) in customers.iter().enumerate() {
        let rng = &mut Rng::fork(options.seed ^ 0xDEA1, index as u64);
        let shown = customer.code == "C-00127";
        if shown {
            pictures(options, (index, customer), &mut desk, rng);
        } else if rng.percent(40) {
            for _ in 0..rng.between(1, 2) {
                drawn(options, (index, customer), orders, &mut desk, rng);
            }
        }
        if shown || rng.percent(15) {
            contract(options, index, &mut desk, rng);
        }
        if shown || rng.percent(20) {
            inquiry(options, index, &mut desk, rng);
        }
    }
    desk
}

/// The two open deals of the customer that the pictures show.
fn pictures(options: &CompanyOptions, who: (usize, &Customer), desk: &mut Desk, rng: &mut Rng) {
    for (name, stage, ago, ahead, amount) in
        [("ブラケット増産", 2, 40, 30, 8_400_000), ("検査治具の更新", 0, 12, 72, 1_950_000)]
    {
        let opened = plus_days(options.today, -ago);
        let expected = plus_days(options.today, ahead);
        let mut deal = open(options, who.0, name.to_owned(), stage, (opened, expected), desk);
        deal.amount = amount;
        add(who, deal, stage >= QUOTED, desk, rng);
    }
}

fn open(
    options: &CompanyOptions,
    customer: usize,
    name: String,
    stage: usize,
    (opened, expected): (Date, Date),
    desk: &Desk,
) -> Deal {
    let n = desk.deals.len() as u64 + 1;
    let changed = plus_days(opened, 7).min(options.today);
    Deal {
        id: 410_000 + n,
        number: format!("OP-{:02}-{n:04}", opened.year().rem_euclid(100)),
        customer,
        name,
        stage: STAGES[stage].0,
        state: DealState::Open,
        amount: 0,
        probability: STAGES[stage].1,
        opened,
        expected,
        closed: None,
        reason: None,
        order: None,
        changed: japan(changed, 10 * 60 + (n % 400) as i64, 0),
    }
}

fn drawn(options: &CompanyOptions, who: (usize, &Customer), orders: &[Order], desk: &mut Desk, rng: &mut Rng) {
    let stage = rng.below(STAGES.len());
    let opened = plus_days(options.today, -rng.between(10, 240));
    let expected = plus_days(opened, rng.between(60, 260));
    let mut deal = open(options, who.0, (*rng.pick(&NAMES)).to_owned(), stage, (opened, expected), desk);
    deal.amount = rng.between(3, 90) * 100_000;
    let closed = plus_days(opened, rng.between(14, 90));
    let mut quoted = stage >= QUOTED;
    if closed < options.today {
        // What it became: the first order after the decision, if there is one.
        let order = orders.iter().find(|o| o.customer == who.0 && o.ordered >= closed && o.state != OrderState::Void);
        let won = order.filter(|_| rng.percent(60));
        deal.state = if won.is_some() { DealState::Won } else { DealState::Lost };
        deal.stage = if won.is_some() { "受注" } else { "失注" };
        deal.probability = if won.is_some() { 100 } else { 0 };
        deal.reason = Some(if won.is_some() { *rng.pick(&WON) } else { *rng.pick(&LOST) });
        deal.order = won.map(|order| order.number.clone());
        deal.closed = Some(closed);
        deal.changed = japan(closed, 15 * 60 + 30, 0);
        quoted = true;
    }
    add(who, deal, quoted, desk, rng);
}

fn add(who: (usize, &Customer), mut deal: Deal, quoted: bool, desk: &mut Desk, rng: &mut Rng) {
    if quoted {
        let lines = draw_lines(rng, who.1);
        let (net, tax) = net_and_tax(&lines);
        let issued = working_day(plus_days(deal.opened, 5));
        let n = desk.quotes.len() as u64 + 1;
        // Only the deals of the pictures have sums of their own.
        if who.1.code != "C-00127" {
            deal.amount = net;
        }
        desk.quotes.push(Quote {
            id: 420_000 + n,
            number: format!("QT-{:02}-{n:04}", issued.year().rem_euclid(100)),
            customer: who.0,
            deal: deal.id,
            subject: deal.name.clone(),
            issued,
            valid_until: plus_days(issued, 60),
            state: match deal.state {
                DealState::Open => "提出済",
                DealState::Won => "受注",
                DealState::Lost => "失注",
            },
            lines,
            net,
            tax,
            changed: deal.changed,
        });
    }
    desk.deals.push(deal);
}

fn contract(options: &CompanyOptions, customer: usize, desk: &mut Desk, rng: &mut Rng) {
    let n = desk.contracts.len() as u64 + 1;
    let from = plus_days(options.today, -rng.between(20, 345));
    let name = *rng.pick(&CONTRACTS);
    let basic = name == CONTRACTS[1];
    desk.contracts.push(Contract {
        id: 430_000 + n,
        number: format!("K-{:02}-{n:04}", from.year().rem_euclid(100)),
        customer,
        name,
        from,
        until: (!basic).then(|| plus_days(from, 364)),
        renewal: if basic || rng.percent(50) { "自動" } else { "都度" },
        state: "有効",
        amount: (!basic).then(|| rng.between(4, 40) * 60_000),
        changed: japan(from, 11 * 60, 0),
    });
}

fn inquiry(options: &CompanyOptions, customer: usize, desk: &mut Desk, rng: &mut Rng) {
    let n = desk.inquiries.len() as u64 + 1;
    let (subject, channel) = *rng.pick(&QUESTIONS);
    let day = working_day(plus_days(options.today, -rng.between(3, 90)));
    let received = japan(day, rng.between(9 * 60, 17 * 60), 0);
    let late = plus_days(options.today, -10) < day;
    let answered = (!late).then(|| super::shifted(received, 60 * rng.between(30, 2_000)));
    desk.inquiries.push(Inquiry {
        id: 440_000 + n,
        number: format!("Q-{:02}-{n:04}", day.year().rem_euclid(100)),
        customer,
        received,
        channel,
        subject,
        answered,
        changed: answered.unwrap_or(received),
    });
}
