//! Customers, their sites and their contacts.
//!
//! The first twelve are the ones the design's pictures show; the rest are drawn. Codes leave gaps,
//! as codes do after years of use.

use std::collections::HashSet;

use jiff::Timestamp;

use super::words::{DESKS, FAMILY, GIVEN, INDUSTRIES, Industry, PLACES, STEMS, TEAMS, TOWNS};
use super::{CompanyOptions, Contact, Customer, Link, Profile, Site, japan, kana, month_start, plus_days};
use crate::numbers::corporate_number;
use crate::rng::Rng;

/// A customer that the pictures show.
struct Known {
    code: u32,
    name: &'static str,
    kana: &'static str,
    industry: &'static str,
    place: usize,
    team: usize,
    owner: usize,
    profile: Profile,
    scale: i64,
}

const fn known(
    code: u32,
    name: &'static str,
    kana: &'static str,
    industry: &'static str,
    place: usize,
    (team, owner): (usize, usize),
    (profile, scale): (Profile, i64),
) -> Known {
    Known { code, name, kana, industry, place, team, owner, profile, scale }
}

use Profile::{Declining, Dormant, Growing, New, Steady};

const KNOWN: [Known; 12] = [
    known(127, "株式会社朝凪電装", "アサナギデンソウ", "電気機器", 0, (0, 0), (Growing, 6)),
    known(418, "東雲ヶ原プラント株式会社", "シノノメガハラプラント", "産業機械", 20, (1, 1), (Steady, 150)),
    known(203, "丸穂ラバー工業株式会社", "マルホラバーコウギョウ", "樹脂成形", 3, (1, 0), (Declining, 40)),
    known(356, "北ノ森フーズ株式会社", "キタノモリフーズ", "食品加工", 47, (1, 0), (Steady, 28)),
    known(511, "株式会社ミナトノ物流機器", "ミナトノブツリュウキキ", "物流", 12, (1, 1), (Dormant, 30)),
    known(98, "株式会社翡翠精密", "ヒスイセイミツ", "半導体装置", 9, (0, 0), (Growing, 20)),
    known(274, "株式会社オリオン函装", "オリオンカンソウ", "包装資材", 18, (1, 0), (Steady, 18)),
    known(622, "有限会社たちあおい製作所", "タチアオイセイサクジョ", "金属加工", 25, (0, 1), (Steady, 14)),
    known(733, "はるかぜ計測器株式会社", "ハルカゼケイソクキ", "電気機器", 30, (0, 1), (Growing, 12)),
    known(305, "株式会社松籟ポンプ", "ショウライポンプ", "産業機械", 38, (1, 0), (Declining, 10)),
    known(790, "合同会社すみれ図研", "スミレズケン", "設計・試作", 15, (0, 0), (Steady, 6)),
    known(651, "千景マテリアル株式会社", "チカゲマテリアル", "半導体装置", 37, (0, 1), (New, 16)),
];

const TERMS: [(i8, &str); 6] = [
    (31, "翌月末払い"),
    (31, "翌々月10日払い"),
    (20, "翌月20日払い"),
    (20, "翌月末払い"),
    (10, "翌月末払い"),
    (15, "翌月15日払い"),
];

pub(super) fn generate(options: &CompanyOptions) -> Vec<Customer> {
    let taken: HashSet<u32> = KNOWN.iter().map(|k| k.code).collect();
    // About 3.4 numbers apart for 240 customers, as in the pictures; any count works.
    let step = |i: usize| 11 + (i as u32 * 17) / 5;
    let codes = (0..).map(step).filter(|code| !taken.contains(code));
    let mut names = HashSet::new();
    let mut out: Vec<Customer> = Vec::with_capacity(options.customers);
    for (known, lane) in KNOWN.iter().zip(0_u64..).take(options.customers) {
        out.push(shown(known, lane, options));
    }
    for (code, lane) in codes.zip(KNOWN.len() as u64..).take(options.customers.saturating_sub(KNOWN.len())) {
        out.push(drawn(code, lane, options, &mut names));
    }
    out.sort_by(|a, b| a.code.cmp(&b.code));
    for (customer, id) in out.iter_mut().zip(1_001_u64..) {
        customer.id = id;
        // Accounting numbers them in another order, so equal keys never pass for a link.
        customer.partner_id = 88_000 + (id * 7_919) % 10_007;
    }
    out
}

fn shown(known: &Known, lane: u64, options: &CompanyOptions) -> Customer {
    let rng = &mut Rng::fork(options.seed, lane);
    let domain = if known.code == 127 { "asanagi.example".to_owned() } else { domain(known.kana) };
    let mut customer = base(known.code, known.place, rng, options);
    customer.name = known.name.to_owned();
    customer.kana = known.kana.to_owned();
    customer.industry = known.industry;
    (customer.department, customer.owner) = (TEAMS[known.team].0, TEAMS[known.team].1[known.owner]);
    customer.domain = domain;
    customer.profile = known.profile;
    customer.link = Link::Code;
    customer.credit_limit = known.scale.clamp(12, 60) * 1_000_000;
    customer.scale = known.scale;
    if known.code == 127 {
        (customer.closing_day, customer.payment_terms) = (10, "翌月末払い");
        customer.price_class = "B(量産)";
        customer.postal_code = "430-0127".to_owned();
        customer.address = "静岡県浜松市中央区 工場通 2-14".to_owned();
        customer.billing_address = "静岡県浜松市浜名区 みなみ台 2-14".to_owned();
    }
    write_names(&mut customer, lane);
    customer
}

fn drawn(code: u32, lane: u64, options: &CompanyOptions, names: &mut HashSet<(usize, &'static str)>) -> Customer {
    let rng = &mut Rng::fork(options.seed, lane);
    let (industry, stem, ending) = loop {
        let industry = weighted_industry(rng);
        let (stem, ending) = (rng.below(STEMS.len()), *rng.pick(industry.2));
        // A run over every pair would never end; past that many customers names may repeat.
        if names.insert((stem, ending.0)) || names.len() >= STEMS.len() * 30 {
            break (industry.0, STEMS[stem], ending);
        }
    };
    let core = format!("{}{}", stem.0, ending.0);
    let place = rng.below(PLACES.len());
    let mut customer = base(code, place, rng, options);
    customer.name = match rng.below(100) {
        0..44 => format!("株式会社{core}"),
        44..80 => format!("{core}株式会社"),
        80..90 => format!("有限会社{core}"),
        90..94 => format!("{core}有限会社"),
        _ => format!("合同会社{core}"),
    };
    customer.kana = format!("{}{}", stem.1, ending.1);
    customer.domain = format!("{}-{}.example", kana::latin(stem.1), kana::latin(ending.1));
    customer.industry = industry;
    let team = rng.pick(&TEAMS);
    (customer.department, customer.owner) = (team.0, rng.pick(team.1));
    customer.profile = match rng.below(100) {
        0..56 => Steady,
        56..72 => Growing,
        72..84 => Declining,
        84..94 => Dormant,
        _ => New,
    };
    customer.link = match lane % 20 {
        7 => Link::None,
        3 | 12 => Link::Number,
        _ => Link::Code,
    };
    write_names(&mut customer, lane);
    customer
}

fn weighted_industry(rng: &mut Rng) -> &'static Industry {
    let all: u32 = INDUSTRIES.iter().map(|i| i.1).sum();
    let mut left = rng.below(all as usize) as u32;
    for industry in &INDUSTRIES {
        if left < industry.1 {
            return industry;
        }
        left -= industry.1;
    }
    &INDUSTRIES[0]
}

fn domain(reading: &str) -> String {
    format!("{}.example", kana::latin(reading))
}

/// What does not depend on the name.
fn base(code: u32, place: usize, rng: &mut Rng, options: &CompanyOptions) -> Customer {
    let (prefecture, city, postal, area) = PLACES[place];
    let address = format!("{prefecture}{city} {}", street(rng));
    let moved = rng.percent(8);
    let (closing_day, payment_terms) = *rng.pick(&TERMS);
    let millions = *rng.pick(&[1, 2, 3, 5, 8, 12, 20]);
    let registered = plus_days(month_start(options.today, -(options.months as i64) - 1), -rng.between(30, 3_000));
    let changed = japan(plus_days(options.today, -rng.between(3, 500)), rng.between(540, 1_080), rng.between(0, 59));
    Customer {
        id: 0,
        partner_id: 0,
        code: format!("C-{code:05}"),
        name: String::new(),
        sales_name: String::new(),
        accounting_name: String::new(),
        kana: String::new(),
        corporate_number: corporate_number(code),
        industry: "",
        postal_code: format!("{postal}-{:04}", code % 10_000),
        city: format!("{prefecture}{city}"),
        billing_address: if moved { format!("{prefecture}{city} {}", street(rng)) } else { address.clone() },
        address,
        area,
        phone: format!("{area}-000-{:04}", code % 10_000),
        domain: String::new(),
        department: "",
        owner: "",
        closing_day,
        payment_terms,
        credit_limit: millions * 1_000_000,
        scale: (millions * 6 / 5).max(2),
        price_class: rng.pick::<&str>(&["A(試作)", "B(量産)", "C(標準)"]),
        link: Link::Code,
        profile: Steady,
        registered,
        changed,
    }
}

fn street(rng: &mut Rng) -> String {
    format!("{} {}-{}", rng.pick(&TOWNS), rng.between(1, 9), rng.between(1, 40))
}

/// Each system's own way to write the name. Where only number and name tie the two, both write it
/// as registered; the rest differ here and there, as they do in life.
fn write_names(customer: &mut Customer, lane: u64) {
    customer.sales_name = customer.name.clone();
    customer.accounting_name = customer.name.clone();
    match (customer.link, lane % 10) {
        (Link::Number, _) => {}
        (Link::None, _) => customer.accounting_name = shortened(&customer.name, '('),
        (Link::Code, 2 | 4) => customer.sales_name = shortened(&customer.name, '㈱'),
        (Link::Code, 5) => customer.sales_name = shortened(&customer.name, '('),
        (Link::Code, 8 | 9) => customer.accounting_name = kana::half_width(&customer.name),
        (Link::Code, _) => {}
    }
}

fn shortened(name: &str, style: char) -> String {
    let forms = if style == '㈱' { ["㈱", "㈲", "合同会社"] } else { ["(株)", "(有)", "(同)"] };
    name.replace("株式会社", forms[0]).replace("有限会社", forms[1]).replace("合同会社", forms[2])
}

/// Delivery and billing places of about every third customer.
pub(super) fn sites(customers: &[Customer], seed: u64) -> Vec<Site> {
    const KINDS: [(&str, &str); 5] = [
        ("本社工場", "both"),
        ("第二工場", "ship_to"),
        ("物流センター", "ship_to"),
        ("経理センター", "bill_to"),
        ("試作棟", "ship_to"),
    ];
    let mut out = Vec::new();
    for (index, customer) in customers.iter().enumerate() {
        let rng = &mut Rng::fork(seed ^ 0x5174, index as u64);
        let count = if customer.code == "C-00127" { 4 } else { [0, 0, 0, 1, 2, 3][rng.below(6)] };
        for (n, (name, role)) in KINDS.iter().enumerate().take(count) {
            let id = 5_001 + out.len() as u64;
            let street = street(rng);
            out.push(Site {
                id,
                customer: index,
                code: format!("{}-{:02}", customer.code, n + 1),
                name: (*name).to_owned(),
                role,
                postal_code: customer.postal_code.clone(),
                address: format!("{} {street}", customer.city),
                phone: format!("{}-000-{:04}", customer.area, (id * 3) % 10_000),
                changed: customer.changed,
            });
        }
    }
    out
}

/// One to four people each.
pub(super) fn contacts(customers: &[Customer], seed: u64) -> Vec<Contact> {
    let mut out = Vec::new();
    for (index, customer) in customers.iter().enumerate() {
        let rng = &mut Rng::fork(seed ^ 0xC0DE, index as u64);
        let count = if customer.code == "C-00127" { 4 } else { rng.between(1, 4) as usize };
        let first = if customer.code == "C-00127" { 0 } else { rng.below(DESKS.len()) };
        for n in 0..count {
            let (department, title, mailbox) = DESKS[(first + n) % DESKS.len()];
            let (family, given) = (rng.pick(&FAMILY), rng.pick(&GIVEN));
            let changed: Timestamp = customer.changed;
            out.push(Contact {
                id: 9_001 + out.len() as u64,
                customer: index,
                name: format!("{} {}", family.0, given.0),
                kana: format!("{} {}", family.1, given.1),
                department,
                title,
                mail: format!("{mailbox}@{}", customer.domain),
                phone: customer.phone.clone(),
                changed,
            });
        }
    }
    out
}
