//! Workbooks (`.xlsx`, `.xlsm`): a ZIP of XML. Macros, links, pictures and everything else that is no cell is
//! not looked at.
//!
//! A sheet is read as a stream; only the shared texts and the list of merged cells are held.

mod cells;
mod guard;
mod merged;
mod shared;
mod styles;

use std::io::BufReader;

use zip::ZipArchive;

use crate::{
    FileError, Input, Limits,
    delimited::Raw,
    xml::{Token, Tokens, attribute, broken},
};
use shared::Shared;
use styles::Styles;

/// What a workbook says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct About {
    pub sheets: Vec<Sheet>,
    pub from_1904: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sheet {
    pub name: String,
    pub hidden: bool,
    path: String,
}

type Zip<'a> = ZipArchive<&'a mut dyn Input>;

fn open<'a>(input: &'a mut dyn Input, limits: &Limits) -> Result<Zip<'a>, FileError> {
    let mut zip = ZipArchive::new(input).map_err(|_| broken("not a whole ZIP archive"))?;
    guard::check(&mut zip, limits)?;
    Ok(zip)
}

/// One part of a workbook.
fn part<'z>(zip: &'z mut Zip<'_>, path: &str) -> Result<Tokens<BufReader<impl std::io::Read + 'z>>, FileError> {
    let file = zip.by_name(path).map_err(|_| broken("a part of the workbook is missing"))?;
    Ok(Tokens::new(BufReader::with_capacity(64 * 1024, file)))
}

/// Sheets and the way days are counted.
pub fn about(input: &mut dyn Input, limits: &Limits) -> Result<About, FileError> {
    let mut zip = open(input, limits)?;
    describe(&mut zip)
}

fn describe(zip: &mut Zip<'_>) -> Result<About, FileError> {
    let book = relations(zip, "_rels/.rels", "")?
        .into_iter()
        .find(|r| r.kind.ends_with("/officeDocument"))
        .map_or_else(|| "xl/workbook.xml".to_owned(), |r| r.target);
    let (folder, name) = book.rsplit_once('/').unwrap_or(("", &book));
    let targets = relations(zip, &format!("{folder}/_rels/{name}.rels"), folder)?;
    let mut about = About { sheets: Vec::new(), from_1904: false };
    let mut tokens = part(zip, &book)?;
    while let Some(token) = tokens.next()? {
        let Token::Open { name, attributes, .. } = token else { continue };
        let flag = |name: &str| attribute(attributes, name).is_some_and(|v| v == "1" || v == "true");
        match name {
            "workbookPr" => about.from_1904 = flag("date1904"),
            "sheet" => {
                let id = attribute(attributes, "r:id").or_else(|| attribute(attributes, "id"));
                let target = targets.iter().find(|t| Some(&t.id) == id.as_ref() && t.kind.ends_with("/worksheet"));
                // Charts are sheets too, without cells.
                if let (Some(name), Some(target)) = (attribute(attributes, "name"), target) {
                    let hidden = attribute(attributes, "state").is_some_and(|state| state != "visible");
                    about.sheets.push(Sheet { name, hidden, path: target.target.clone() });
                }
            }
            _ => {}
        }
        if about.sheets.len() > 1000 {
            return Err(broken("more than 1,000 sheets"));
        }
    }
    if about.sheets.is_empty() { Err(broken("no sheet")) } else { Ok(about) }
}

struct Relation {
    id: String,
    kind: String,
    target: String,
}

/// Relations of a part; a workbook without them is damaged, and said to be so where one is missed.
fn relations(zip: &mut Zip<'_>, path: &str, folder: &str) -> Result<Vec<Relation>, FileError> {
    let mut found = Vec::new();
    let mut tokens = part(zip, path)?;
    while let Some(token) = tokens.next()? {
        let Token::Open { name: "Relationship", attributes, .. } = token else { continue };
        let get = |name| attribute(attributes, name).unwrap_or_default();
        let target = get("Target");
        let target = match target.strip_prefix('/') {
            Some(absolute) => absolute.to_owned(),
            None if folder.is_empty() => target,
            None => format!("{folder}/{target}"),
        };
        found.push(Relation { id: get("Id"), kind: get("Type"), target });
        if found.len() > 10_000 {
            return Err(broken("more than 10,000 parts"));
        }
    }
    Ok(found)
}

/// Gives each row of a sheet to `each`, in order; numbers of rows without cells are left out.
pub fn rows(
    input: &mut dyn Input,
    sheet: &str,
    limits: &Limits,
    each: &mut dyn FnMut(Raw) -> Result<bool, FileError>,
) -> Result<(), FileError> {
    let mut zip = open(input, limits)?;
    let about = describe(&mut zip)?;
    let Some(found) = about.sheets.iter().find(|s| s.name == sheet) else {
        let known = about.sheets.into_iter().map(|s| s.name).collect();
        return Err(FileError::Sheet { name: sheet.to_owned(), known });
    };
    let folder = found.path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let base = folder.rsplit_once('/').map_or("xl", |(base, _)| base);
    let shared = match zip.index_for_name(&format!("{base}/sharedStrings.xml")) {
        Some(_) => Shared::read(&mut part(&mut zip, &format!("{base}/sharedStrings.xml"))?)?,
        None => Shared::default(),
    };
    let styles = match zip.index_for_name(&format!("{base}/styles.xml")) {
        Some(_) => Styles::read(&mut part(&mut zip, &format!("{base}/styles.xml"))?)?,
        None => Styles::default(),
    };
    let merged = merged::read(&mut part(&mut zip, &found.path)?)?;
    let mut fill = merged::Fill::new(merged);
    let book = cells::Book { shared: &shared, styles: &styles, from_1904: about.from_1904, limits };
    cells::rows(&mut part(&mut zip, &found.path)?, &book, &mut |mut raw| {
        fill.row(&mut raw);
        each(raw)
    })
}
