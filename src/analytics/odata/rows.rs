//! From what was asked to JSON: rows of a set, one row, a number; with what is expanded.

use std::collections::HashMap;

use super::{
    Answer, Asked, LARGEST_PAGE, OdataError, USUAL_PAGE,
    format::{self, Format},
    options::{Expansion, Of, Options},
    path::{self, Rows},
    refusal::Refusal,
    token, write,
};
use crate::{
    model::View,
    store::{
        Db,
        feed::{self, Children, Expr, Literal, Property, Question, Row, Set},
    },
};

/// Most rows of a page on which something is expanded.
const EXPANDED_PAGE: i64 = 200;
/// Most rows that are expanded under one row, level by level.
const EXPANDED: [i64; 3] = [200, 20, 5];

/// What everything below needs.
#[derive(Clone, Copy)]
struct Context<'a> {
    db: &'a Db,
    view: &'a View,
    root: &'a str,
    format: Format,
}

/// Rows that a way led to.
enum Found {
    /// With the condition that names them.
    Rows(&'static Set, Option<Expr>),
    /// A way to one row that is not there.
    Nothing,
}

pub async fn answer(
    db: &Db,
    view: &View,
    asked: Asked<'_>,
    rows: Rows,
    raw: &[(String, String)],
) -> Result<Answer, OdataError> {
    let set = rows.steps.last().map_or(rows.first, |step| step.way.target());
    let one = rows.steps.last().map_or(rows.key.is_some(), |step| !step.way.many || step.key.is_some());
    let of = match (rows.count, one) {
        (true, _) => Of::Count,
        (false, true) => Of::One,
        (false, false) => Of::Rows,
    };
    let options = Options::read(set, raw, of)?;
    if of == Of::Count {
        let Found::Rows(set, base) = walk(db, view, rows).await? else { return Err(nothing().into()) };
        let number = feed::count(db, view, set, both(base, options.filter).as_ref()).await?;
        return Ok(Answer { sets: vec![set.name], ..Answer::of("text/plain", number.to_string()) });
    }
    let format = format::json(options.format.as_deref(), asked.accept)?;
    let context = Context { db, view, root: asked.root, format };
    let Found::Rows(set, base) = walk(db, view, rows).await? else { return Ok(Answer::default()) };
    let mut answer = if of == Of::One {
        context.one(set, base, &options).await?
    } else {
        context.many(asked, base, options.clone(), raw).await?
    };
    answer.sets.push(set.name);
    names(&options, &mut answer.sets);
    Ok(answer)
}

fn names(options: &Options, sets: &mut Vec<&'static str>) {
    for Expansion { way, options, .. } in &options.expand {
        if !sets.contains(&way.to) {
            sets.push(way.to);
        }
        names(options, sets);
    }
}

fn nothing() -> Refusal {
    Refusal::missing("there is no such row, or none for this reader")
}

fn both(base: Option<Expr>, filter: Option<Expr>) -> Option<Expr> {
    match (base, filter) {
        (Some(base), Some(filter)) => Some(Expr::And(vec![base, filter])),
        (base, filter) => base.or(filter),
    }
}

/// Follows the ways of an address; each row on it must be there.
async fn walk(db: &Db, view: &View, rows: Rows) -> Result<Found, OdataError> {
    let Rows { first: mut set, key: mut base, steps, .. } = rows;
    for step in steps {
        let Some((from, to)) = set.property(step.way.on.0).zip(step.way.target().property(step.way.on.1)) else {
            return Err(nothing().into());
        };
        let question = Question { set, filter: base.as_ref(), order: &[], properties: &[from] };
        let row = feed::page(db, view, question, None, (0, 1)).await?.and_then(|mut rows| rows.pop());
        let Some(value) = row.ok_or_else(nothing)?.values.pop().flatten() else { return Ok(Found::Nothing) };
        base = both(Some(path::equals(to, Literal::Text(value))), step.key);
        set = step.way.target();
    }
    Ok(Found::Rows(set, base))
}

/// Properties of the answer, then those that are needed to go on.
fn fetched(options: &Options) -> Vec<&'static Property> {
    let mut properties = options.properties();
    for Expansion { way, .. } in &options.expand {
        if let Some(from) = options.set.property(way.on.0).filter(|from| !properties.contains(from)) {
            properties.push(from);
        }
    }
    properties
}

impl Context<'_> {
    async fn one(&self, set: &'static Set, base: Option<Expr>, options: &Options) -> Result<Answer, OdataError> {
        let properties = fetched(options);
        let question = Question { set, filter: base.as_ref(), order: &[], properties: &properties };
        let rows = feed::page(self.db, self.view, question, None, (0, 1)).await?.unwrap_or_default();
        if rows.is_empty() {
            return Err(nothing().into());
        }
        let row = self.objects(options, &rows, 0).await?.pop().unwrap_or_default();
        let context = self.context(set, options, "/$entity");
        Ok(Answer::of(self.format.media(), format!("{{{context}{row}}}")))
    }

    async fn many(
        &self,
        asked: Asked<'_>,
        base: Option<Expr>,
        mut options: Options,
        raw: &[(String, String)],
    ) -> Result<Answer, OdataError> {
        let set = options.set;
        let filter = both(base, options.filter.take());
        let largest = if options.expand.is_empty() { LARGEST_PAGE } else { EXPANDED_PAGE };
        let page = asked.page_size.unwrap_or(USUAL_PAGE).min(largest);
        let order = option(raw, "orderby").unwrap_or_default();
        let place = options.skiptoken.as_deref().map(|text| token::opened(set, order, text)).transpose()?;
        let properties = fetched(&options);
        let question = Question { set, filter: filter.as_ref(), order: &options.order, properties: &properties };
        // One more than fits tells whether there is another page.
        let whole = options.top.is_some_and(|top| top <= page);
        let limit = if whole { options.top.unwrap_or(page) } else { page + 1 };
        let found = feed::page(self.db, self.view, question, place.as_ref(), (options.skip, limit)).await?;
        let mut rows = found.ok_or_else(token::bad)?;
        let more = !whole && rows.len() as i64 > page;
        if more {
            rows.truncate(usize::try_from(page).unwrap_or(usize::MAX));
        }
        let count =
            if options.count { Some(feed::count(self.db, self.view, set, filter.as_ref()).await?) } else { None };
        let mut body = format!("{{{}", self.context(set, &options, ""));
        if let Some(count) = count {
            let count = if self.format.numbers_as_text { format!("\"{count}\"") } else { count.to_string() };
            body.push_str(&format!("\"@odata.count\":{count},"));
        }
        let objects = self.objects(&options, &rows, 0).await?;
        let objects: Vec<String> = objects.into_iter().map(|members| format!("{{{members}}}")).collect();
        body.push_str(&format!("\"value\":[{}]", objects.join(",\n")));
        if let Some(last) = rows.last().filter(|_| more) {
            let sealed = token::sealed(set, order, &last.place);
            let next = next(
                &format!("{}/{}", self.root, asked.path.trim_matches('/')),
                raw,
                options.top.map(|top| top - page),
                &sealed,
            );
            body.push_str(",\n\"@odata.nextLink\":");
            write::string(&mut body, &next);
        }
        body.push('}');
        Ok(Answer { page_size: asked.page_size.map(|_| page), ..Answer::of(self.format.media(), body) })
    }

    fn context(&self, set: &Set, options: &Options, end: &str) -> String {
        if self.format.bare {
            return String::new();
        }
        let mut text = "\"@odata.context\":".to_owned();
        let of = format!("{}/$metadata#{}{}{end}", self.root, set.name, write::selection(options));
        write::string(&mut text, &of);
        text.push(',');
        text
    }

    /// Each row's members as JSON, with what is expanded on it.
    async fn objects(&self, options: &Options, rows: &[Row], depth: usize) -> Result<Vec<String>, OdataError> {
        let properties = options.properties();
        let mut objects = Vec::with_capacity(rows.len());
        for row in rows {
            let mut members = String::new();
            write::members(&mut members, options.set, &properties, row, self.format)?;
            objects.push(members);
        }
        for expansion in &options.expand {
            let under = Box::pin(self.expanded(options, expansion, rows, depth)).await?;
            for (object, row) in objects.iter_mut().zip(rows) {
                // Several rows may lead to the same one.
                let key = self.from(options, expansion, row).unwrap_or_default();
                let under = under.get(&key).map(Vec::as_slice).unwrap_or_default();
                self.put(object, expansion, (options.set, row), under, depth);
            }
        }
        Ok(objects)
    }

    /// The value by which a row's others are found.
    fn from(&self, options: &Options, expansion: &Expansion, row: &Row) -> Option<String> {
        let at = fetched(options).iter().position(|property| property.name == expansion.way.on.0)?;
        row.values.get(at).cloned().flatten()
    }

    /// Everything under all rows of a page, by the value that it is found by.
    async fn expanded(
        &self,
        options: &Options,
        expansion: &Expansion,
        rows: &[Row],
        depth: usize,
    ) -> Result<HashMap<String, Vec<(String, Row)>>, OdataError> {
        let mut parents: Vec<String> = rows.iter().filter_map(|row| self.from(options, expansion, row)).collect();
        parents.sort_unstable();
        parents.dedup();
        let inner = &expansion.options;
        let Some(by) = inner.set.property(expansion.way.on.1) else { return Ok(HashMap::new()) };
        if parents.is_empty() {
            return Ok(HashMap::new());
        }
        let properties = fetched(inner);
        let question =
            Question { set: inner.set, filter: inner.filter.as_ref(), order: &inner.order, properties: &properties };
        let limit = most(inner, depth) + 1;
        let children = Children { question, by, parents: &parents, skip: inner.skip, limit };
        let (keys, found): (Vec<String>, Vec<Row>) =
            feed::children(self.db, self.view, children).await?.into_iter().unzip();
        let objects = self.objects(inner, &found, depth + 1).await?;
        let mut under: HashMap<String, Vec<(String, Row)>> = HashMap::new();
        for ((key, row), object) in keys.into_iter().zip(found).zip(objects) {
            under.entry(key).or_default().push((object, row));
        }
        Ok(under)
    }

    fn put(
        &self,
        object: &mut String,
        expansion: &Expansion,
        row: (&Set, &Row),
        under: &[(String, Row)],
        depth: usize,
    ) {
        let Expansion { way, options, raw } = expansion;
        if !object.is_empty() {
            object.push(',');
        }
        object.push_str(&format!("\"{}\":", way.name));
        if !way.many {
            let one = under.first().map_or_else(|| "null".to_owned(), |(members, _)| format!("{{{members}}}"));
            object.push_str(&one);
            return;
        }
        let most = most(options, depth);
        let fits = usize::try_from(most).unwrap_or(usize::MAX);
        let objects: Vec<String> = under.iter().take(fits).map(|(members, _)| format!("{{{members}}}")).collect();
        object.push_str(&format!("[{}]", objects.join(",")));
        let all = options.top.is_some_and(|top| top <= most);
        if let Some((_, last)) = under.get(fits.saturating_sub(1)).filter(|_| !all && under.len() > fits) {
            let order = option(raw, "orderby").unwrap_or_default();
            let sealed = token::sealed(options.set, order, &last.place);
            let address = format!("{}/{}/{}", self.root, write::address(row.0, row.1), way.name);
            object.push_str(&format!(",\"{}@odata.nextLink\":", way.name));
            write::string(object, &next(&address, raw, options.top.map(|top| top - most), &sealed));
        }
    }
}

/// Most rows that are expanded under one row here.
fn most(options: &Options, depth: usize) -> i64 {
    let most = EXPANDED.get(depth).copied().unwrap_or(1);
    options.top.map_or(most, |top| top.min(most))
}

fn option<'a>(raw: &'a [(String, String)], name: &str) -> Option<&'a str> {
    raw.iter().find(|(other, _)| bare(other) == name).map(|(_, value)| value.as_str())
}

fn bare(name: &str) -> String {
    name.trim_start_matches('$').to_ascii_lowercase()
}

/// The address of what follows: the same question from a place on. What counts for the first page only is gone.
fn next(address: &str, raw: &[(String, String)], top: Option<i64>, place: &str) -> String {
    let kept = raw.iter().filter(|(name, _)| !["skiptoken", "skip", "top", "count"].contains(&bare(name).as_str()));
    let mut parts: Vec<String> =
        kept.map(|(name, value)| format!("${}={}", bare(name), write::encoded(value))).collect();
    if let Some(top) = top {
        parts.push(format!("$top={top}"));
    }
    parts.push(format!("$skiptoken={place}"));
    format!("{address}?{}", parts.join("&"))
}
