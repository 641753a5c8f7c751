//! One box over every noun of the hub: customers, contacts, documents by their number, products, connected systems,
//! people.
//!
//! Spelling makes no difference (width, kana, case, dashes, variant kanji): what is typed and what is kept are folded
//! the same way. Customers and contacts' names are found in the directory's memory; what the database is asked for is
//! answered by an index, or stands in a small table (see [`crate::store::find`]).
//!
//! Invariant: every noun is asked with the reader's own rights: what the role may not open is not asked for, and of
//! customers only those are told whom the reader's [`crate::model::View`] has.
//! Invariant: a noun that cannot be asked now is named as missing; the others answer all the same.
//!
//! To add a noun: an entry of [`NOUNS`], its heading in both catalogues (`[search]`). A document with a number needs
//! nothing else but an index on it; anything else a function.

use std::{pin::Pin, time::Duration};

use crate::{
    analytics::{
        directory::{Directory, Entry, MatchedOn},
        document,
    },
    identity::{Action, Principal, can},
    matching::fold::fold,
    model::money::Currency,
    store::{
        Db, StoreError,
        find::{self, Found, Numbered},
        user,
    },
};

/// Hits of a noun in the drop-down below the box.
pub const FEW: usize = 5;
/// Hits of a noun on the page.
pub const PAGE: usize = 20;
const LONGEST: usize = 200;
/// A noun that takes longer is named as missing.
const PATIENCE: Duration = Duration::from_secs(3);

/// A connected system, as the search needs it.
#[derive(Clone, Debug)]
pub struct System {
    pub id: String,
    pub name: String,
}

/// What is asked, by whom, of what.
pub struct Ask<'a> {
    pub db: &'a Db,
    pub directory: &'a Directory,
    pub systems: &'a [System],
    pub me: &'a Principal,
    pub text: String,
    /// Hits of a noun.
    pub limit: usize,
}

/// One thing that was found.
#[derive(Clone, Debug, Default)]
pub struct Hit {
    /// Empty: there is no page of it.
    pub href: String,
    /// Name or number.
    pub title: String,
    /// Texts below it, as they are.
    pub about: Vec<String>,
    /// A word of the catalogues: what kind of thing, or why it was found.
    pub word: Option<&'static str>,
    /// Business date.
    pub date: Option<String>,
    /// Minor units.
    pub amount: Option<(i64, Currency)>,
    /// The text is its whole number.
    pub exact: bool,
}

/// The hits of one noun.
#[derive(Clone, Debug)]
pub struct Group {
    /// Heading, of the catalogues.
    pub key: &'static str,
    pub hits: Vec<Hit>,
    /// Where all of them are.
    pub all: Option<String>,
    /// It could not be asked now.
    pub missing: bool,
}

type Answer<'a> = Pin<Box<dyn Future<Output = Result<Vec<Hit>, StoreError>> + Send + 'a>>;

/// How a noun is asked.
pub enum How {
    /// A document with a number.
    Numbered(Numbered),
    Own(for<'a> fn(&'a Ask<'a>) -> Answer<'a>),
}

/// A noun of the search.
pub struct Noun {
    /// Heading, of the catalogues.
    pub key: &'static str,
    /// Who may not do this is not shown that there is any.
    pub action: Action,
    pub how: How,
}

/// Every noun, in the order of pages.
pub static NOUNS: [Noun; 13] = [
    Noun { key: "search.customers", action: Action::ViewCustomers, how: How::Own(|ask| Box::pin(customers(ask))) },
    Noun { key: "search.contacts", action: Action::ViewCustomers, how: How::Own(|ask| Box::pin(contacts(ask))) },
    Noun { key: "search.deals", action: Action::ViewCustomers, how: How::Numbered(find::DEALS) },
    Noun { key: "search.quotes", action: Action::ViewCustomers, how: How::Numbered(find::QUOTES) },
    Noun { key: "search.orders", action: Action::ViewCustomers, how: How::Numbered(find::ORDERS) },
    Noun { key: "search.shipments", action: Action::ViewCustomers, how: How::Numbered(find::SHIPMENTS) },
    Noun { key: "search.invoices", action: Action::ViewCustomers, how: How::Numbered(find::INVOICES) },
    Noun { key: "search.payments", action: Action::ViewCustomers, how: How::Numbered(find::PAYMENTS) },
    Noun { key: "search.contracts", action: Action::ViewCustomers, how: How::Numbered(find::CONTRACTS) },
    Noun { key: "search.inquiries", action: Action::ViewCustomers, how: How::Numbered(find::INQUIRIES) },
    Noun { key: "search.products", action: Action::ViewCustomers, how: How::Own(|ask| Box::pin(products(ask))) },
    Noun { key: "search.connections", action: Action::ManageConnections, how: How::Own(|ask| Box::pin(systems(ask))) },
    Noun { key: "search.people", action: Action::ViewUsers, how: How::Own(|ask| Box::pin(people(ask))) },
];

/// Text as it is asked: without what no text has, and not endless.
#[must_use]
pub fn asked(text: &str) -> String {
    let clean: String = text.chars().filter(|c| !c.is_control()).take(LONGEST).collect();
    clean.trim().to_owned()
}

/// The groups that have something, or could not be asked; whole numbers stand in front.
pub async fn ask(ask: &Ask<'_>) -> Vec<Group> {
    if fold(&ask.text).is_empty() {
        return Vec::new();
    }
    let wanted = NOUNS.iter().filter(|noun| can(ask.me.role, noun.action));
    let mut groups = futures::future::join_all(wanted.map(|noun| one(ask, noun))).await;
    groups.retain(|group| group.missing || !group.hits.is_empty());
    // The sort is stable: exact numbers first, else the order of the table.
    groups.sort_by_key(|group| !group.hits.iter().any(|hit| hit.exact));
    groups
}

async fn one(ask: &Ask<'_>, noun: &Noun) -> Group {
    let answer = async {
        match &noun.how {
            How::Own(own) => own(ask).await,
            How::Numbered(of) => documents(ask, of).await,
        }
    };
    let hits = match tokio::time::timeout(PATIENCE, answer).await {
        Ok(Ok(hits)) => Some(hits),
        Ok(Err(error)) => {
            tracing::error!(noun = noun.key, error = &error as &dyn std::error::Error, "search");
            None
        }
        Err(_) => {
            tracing::warn!(noun = noun.key, "the search of a noun took too long");
            None
        }
    };
    let missing = hits.is_none();
    let mut hits = hits.unwrap_or_default();
    let more = hits.len() > ask.limit;
    hits.truncate(ask.limit);
    let all = (more && noun.key == "search.customers").then(|| {
        let query = url::form_urlencoded::Serializer::new(String::new()).append_pair("q", &ask.text).finish();
        format!("/customers?{query}")
    });
    Group { key: noun.key, hits, all, missing }
}

/// A customer as a hit.
#[must_use]
pub fn customer(entry: Entry, on: Option<MatchedOn>) -> Hit {
    let word = match on {
        Some(MatchedOn::Kana) => Some("customers.why_kana"),
        Some(MatchedOn::Phone) => Some("customers.why_phone"),
        Some(MatchedOn::RegistrationNumber) => Some("customers.why_registration"),
        Some(MatchedOn::MailDomain) => Some("customers.why_mail"),
        Some(MatchedOn::Name | MatchedOn::Code | MatchedOn::Contact) | None => None,
    };
    Hit {
        href: format!("/customers/{}", entry.id),
        title: entry.name,
        about: [entry.code, entry.city, entry.owner].into_iter().flatten().collect(),
        word,
        ..Hit::default()
    }
}

async fn customers(ask: &Ask<'_>) -> Result<Vec<Hit>, StoreError> {
    let found = ask.directory.suggest(&ask.me.view, &ask.text, ask.limit + 1);
    let exact = |entry: &Entry| entry.code.as_deref().is_some_and(|code| document::is_exactly(code, &ask.text));
    let hit = |(entry, on): (Entry, Option<MatchedOn>)| Hit { exact: exact(&entry), ..customer(entry, on) };
    Ok(found.into_iter().map(hit).collect())
}

async fn contacts(ask: &Ask<'_>) -> Result<Vec<Hit>, StoreError> {
    let customers = ask.directory.by_contact(&ask.me.view, &ask.text, ask.limit + 1);
    let ids: Vec<String> = customers.iter().map(|entry| entry.id.clone()).collect();
    let wanted = fold(&ask.text);
    let holds = |name: &str| fold(name).contains(&wanted);
    let rows = find::contacts(ask.db, &ids).await?;
    let mut hits = Vec::new();
    // In the order of the directory: the best match first.
    for customer in &customers {
        let own = rows.iter().filter(|row| row.customer_id == customer.id);
        for row in own.filter(|row| holds(&row.name) || row.name_kana.as_deref().is_some_and(holds)) {
            let place = [Some(customer.name.clone()), row.department.clone(), row.title.clone()];
            hits.push(Hit {
                href: format!("/customers/{}#contacts", customer.id),
                title: row.name.clone(),
                about: place.into_iter().flatten().collect(),
                ..Hit::default()
            });
        }
    }
    Ok(hits)
}

async fn documents(ask: &Ask<'_>, of: &Numbered) -> Result<Vec<Hit>, StoreError> {
    let found = document::by_number(ask.db, &ask.me.view, of, &ask.text, ask.limit + 1).await?;
    Ok(found.into_iter().map(|found| of_document(found, &ask.text)).collect())
}

fn of_document(found: Found, text: &str) -> Hit {
    let Found { kind, id, number, date, customer_id, customer_name, total_minor, currency } = found;
    let currency: Option<Currency> = currency.and_then(|currency| currency.parse().ok());
    Hit {
        href: format!("/customers/{customer_id}/events/{id}"),
        exact: document::is_exactly(&number, text),
        title: number,
        about: vec![customer_name],
        word: (kind == "credit_note").then_some("search.credit_note"),
        date: Some(date),
        amount: total_minor.zip(currency),
    }
}

async fn products(ask: &Ask<'_>) -> Result<Vec<Hit>, StoreError> {
    let words: Vec<String> = ask.text.split_whitespace().map(fold).filter(|word| !word.is_empty()).take(8).collect();
    let rows = find::products(ask.db, &words, ask.limit as i64 + 1).await?;
    let hit = |row: find::ProductRow| Hit {
        exact: document::is_exactly(&row.code, &ask.text),
        title: row.name,
        about: [Some(row.code), row.source].into_iter().flatten().collect(),
        ..Hit::default()
    };
    Ok(rows.into_iter().map(hit).collect())
}

async fn systems(ask: &Ask<'_>) -> Result<Vec<Hit>, StoreError> {
    let wanted = fold(&ask.text);
    let hit = |system: &System| Hit {
        href: format!("/connections/{}", system.id),
        title: system.name.clone(),
        ..Hit::default()
    };
    Ok(ask.systems.iter().filter(|system| fold(&system.name).contains(&wanted)).map(hit).collect())
}

async fn people(ask: &Ask<'_>) -> Result<Vec<Hit>, StoreError> {
    let wanted = fold(&ask.text);
    let rows = user::list(ask.db).await?;
    let fits = |row: &&user::UserRow| fold(&row.name).contains(&wanted) || fold(&row.mail).contains(&wanted);
    let hit = |row: &user::UserRow| Hit {
        href: format!("/admin/users/{}", row.id),
        title: row.name.clone(),
        about: vec![row.mail.clone()],
        ..Hit::default()
    };
    Ok(rows.iter().filter(fits).map(hit).collect())
}

/// Customers that the reader looked at last and still sees.
pub async fn recent(db: &Db, directory: &Directory, me: &Principal, limit: usize) -> Result<Vec<Entry>, StoreError> {
    let ids = find::seen_by(db, &me.user_id, limit * 2).await?;
    Ok(ids.iter().filter_map(|id| directory.get(&me.view, id)).take(limit).collect())
}

/// Folds products that an older program wrote: in the background, piece by piece.
pub async fn fold_products(db: &Db) -> Result<(), StoreError> {
    const PIECE: i64 = 500;
    loop {
        if find::unfolded(db, 1).await?.is_empty() {
            return Ok(());
        }
        let mut tx = db.begin().await?;
        for (id, code, name) in find::unfolded(&mut tx, PIECE).await? {
            let find = crate::matching::fold::product_key(&code, &name);
            find::set_product(&mut tx, &id, &find).await?;
        }
        tx.commit().await?;
    }
}
