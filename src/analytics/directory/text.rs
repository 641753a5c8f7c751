//! The searchable text of all customers in one buffer, scanned as a whole.
//!
//! Each customer is a segment: for every field a tag byte and the folded text, then a zero byte.
//! Folded text holds no control characters, so a tag in front of a match means "prefix" and a
//! control byte behind it "exact". A changed customer gets a new segment at the end; the old one is
//! dead until the buffer is rebuilt.

use memchr::memmem::Finder;

use super::MatchedOn;
use crate::matching::fold::{fold, fold_digits, without_forms};

/// Marks a segment whose customer was changed or removed.
const DEAD: u32 = u32::MAX;
/// Rebuild when this share (1/n) of the buffer is dead.
const DEAD_SHARE: usize = 4;

/// How well a customer matches; smaller is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rank {
    Exact,
    Prefix,
    Substring,
}

/// One match: row, rank, field.
pub(super) type Hit = (u32, Rank, MatchedOn);

/// Tags of what single people are reached by.
const PERSONAL_PHONE: u8 = 7;
const PERSONAL_MAIL: u8 = 8;

#[derive(Debug, Default)]
pub(super) struct Haystack {
    bytes: Vec<u8>,
    /// Start and row of each segment, by start.
    segments: Vec<(u32, u32)>,
    /// Segment of each row.
    of_row: Vec<u32>,
    dead: usize,
}

impl MatchedOn {
    const TAGGED: [Self; 7] =
        [Self::Name, Self::Kana, Self::Code, Self::Phone, Self::RegistrationNumber, Self::MailDomain, Self::Contact];

    fn tag(self) -> u8 {
        match self {
            Self::Name => 1,
            Self::Kana => 2,
            Self::Code => 3,
            Self::Phone => 4,
            Self::RegistrationNumber => 5,
            Self::MailDomain => 6,
            Self::Contact => 9,
        }
    }

    fn from_tag(tag: u8) -> Self {
        match tag {
            PERSONAL_PHONE => return Self::Phone,
            PERSONAL_MAIL => return Self::MailDomain,
            _ => {}
        }
        Self::TAGGED.into_iter().find(|m| m.tag() == tag).unwrap_or(Self::Name)
    }
}

/// The segment of one customer, built away from the lock.
#[derive(Debug, Default)]
pub(super) struct Segment(Vec<u8>);

impl Segment {
    /// Adds a field; empty and repeated texts add nothing.
    pub(super) fn push(&mut self, field: MatchedOn, folded: &str) {
        self.push_tagged(field.tag(), folded);
    }

    fn push_tagged(&mut self, tag: u8, folded: &str) {
        if folded.is_empty() {
            return;
        }
        let start = self.0.len();
        self.0.push(tag);
        self.0.extend_from_slice(folded.as_bytes());
        let (before, added) = self.0.split_at(start);
        if Finder::new(added).find_iter(before).any(|at| before.get(at + added.len()).is_none_or(|b| *b < 0x10)) {
            self.0.truncate(start);
        }
    }

    /// The domain of a mail address; `personal`: of one person.
    pub(super) fn push_mail(&mut self, mail: &str, personal: bool) {
        if let Some((_, domain)) = mail.rsplit_once('@') {
            let tag = if personal { PERSONAL_MAIL } else { MatchedOn::MailDomain.tag() };
            self.push_tagged(tag, &fold(domain));
        }
    }

    /// A telephone number; `personal`: of one person.
    pub(super) fn push_phone(&mut self, phone: &str, personal: bool) {
        let tag = if personal { PERSONAL_PHONE } else { MatchedOn::Phone.tag() };
        self.push_tagged(tag, &fold_digits(phone));
    }

    /// A code with and without its dashes.
    pub(super) fn push_code(&mut self, code: &str) {
        let folded = fold(code);
        self.push(MatchedOn::Code, &folded);
        self.push(MatchedOn::Code, &folded.replace('-', ""));
    }
}

impl Haystack {
    /// Sets the segment of a row.
    pub(super) fn set(&mut self, row: u32, segment: &Segment) {
        self.remove(row);
        let index = row as usize;
        if self.of_row.len() <= index {
            self.of_row.resize(index + 1, DEAD);
        }
        self.of_row[index] = self.segments.len() as u32;
        self.segments.push((self.bytes.len() as u32, row));
        self.bytes.extend_from_slice(&segment.0);
        self.bytes.push(0);
    }

    pub(super) fn remove(&mut self, row: u32) {
        let Some(slot) = self.of_row.get_mut(row as usize) else { return };
        let segment = std::mem::replace(slot, DEAD) as usize;
        if segment < self.segments.len() {
            self.dead += self.end(segment) - self.segments[segment].0 as usize;
            self.segments[segment].1 = DEAD;
        }
    }

    fn end(&self, segment: usize) -> usize {
        self.segments.get(segment + 1).map_or(self.bytes.len(), |(start, _)| *start as usize)
    }

    /// Drops dead segments once they are worth it.
    pub(super) fn tidy(&mut self) {
        if self.dead * DEAD_SHARE < self.bytes.len().max(1 << 16) {
            return;
        }
        let mut bytes = Vec::with_capacity(self.bytes.len() - self.dead);
        let mut segments = Vec::with_capacity(self.segments.len());
        for (index, (start, row)) in self.segments.iter().enumerate() {
            if *row != DEAD {
                self.of_row[*row as usize] = segments.len() as u32;
                segments.push((bytes.len() as u32, *row));
                bytes.extend_from_slice(&self.bytes[*start as usize..self.end(index)]);
            }
        }
        (self.bytes, self.segments, self.dead) = (bytes, segments, 0);
    }

    #[cfg(test)]
    pub(super) fn size(&self) -> usize {
        self.bytes.len()
    }

    pub(super) fn shrink(&mut self) {
        self.bytes.shrink_to_fit();
        self.segments.shrink_to_fit();
        self.of_row.shrink_to_fit();
    }

    /// Every customer in which the needle stands, once, with its best match. `veiled`: what single people are
    /// reached by does not count.
    fn scan(&self, needle: &[u8], within: Option<MatchedOn>, veiled: bool, mut found: impl FnMut(Hit)) {
        if needle.is_empty() {
            return;
        }
        let finder = Finder::new(needle);
        // One letter stands nearly everywhere: its first place is good enough.
        let every_place = needle.iter().filter(|b| (**b & 0xC0) != 0x80).count() > 1;
        let (mut at, mut segment) = (0, 0);
        let mut best: Option<Hit> = None;
        while let Some(place) = self.bytes.get(at..).and_then(|rest| finder.find(rest)).map(|p| at + p) {
            let mut end = self.end(segment);
            if place >= end {
                best.take().into_iter().for_each(&mut found);
                segment = self.holding(place, segment + 1);
                end = self.end(segment);
            }
            let (start, row) = self.segments[segment];
            at = place + 1;
            if row == DEAD {
                at = end;
                continue;
            }
            let (hit, personal) = self.judge(start as usize, place, needle.len(), row);
            if veiled && personal {
                continue;
            }
            let asked = within.map_or(hit.2 != MatchedOn::Contact, |field| field == hit.2);
            if asked && best.is_none_or(|b| (hit.1, hit.2.tag()) < (b.1, b.2.tag())) {
                best = Some(hit);
            }
            if best.is_some_and(|b| b.1 == Rank::Exact || !every_place) {
                at = end;
            }
        }
        best.into_iter().for_each(found);
    }

    /// The segment that holds a place, at `from` or behind it; most often it is near.
    fn holding(&self, place: usize, from: usize) -> usize {
        let behind = |(start, _): &(u32, u32)| *start as usize <= place;
        let (mut from, mut step) = (from, 1);
        while self.segments.get(from + step).is_some_and(behind) {
            from += step;
            step *= 2;
        }
        let to = self.segments.len().min(from + step);
        from + self.segments[from..to].partition_point(behind) - 1
    }

    fn judge(&self, start: usize, place: usize, len: usize, row: u32) -> (Hit, bool) {
        let is_edge = |b: &u8| *b < 0x10;
        let tag_at = (start..place).rev().find(|i| is_edge(&self.bytes[*i])).unwrap_or(start);
        let tag = self.bytes[tag_at];
        let field = MatchedOn::from_tag(tag);
        let rank = match (tag_at + 1 == place, self.bytes.get(place + len).is_none_or(is_edge)) {
            (true, true) => Rank::Exact,
            (true, false) => Rank::Prefix,
            _ => Rank::Substring,
        };
        ((row, rank, field), matches!(tag, PERSONAL_PHONE | PERSONAL_MAIL))
    }

    /// The customers that the typed text finds. Words apart by spaces must all be there. `veiled`: nobody is
    /// found by what single people are reached by.
    pub(super) fn search(&self, typed: &str, veiled: bool) -> Vec<Hit> {
        let whole = fold(typed);
        if whole.is_empty() {
            return Vec::new();
        }
        let mut hits = self.term(&whole, typed, veiled);
        let words: Vec<String> = typed.split_whitespace().map(fold).filter(|w| !w.is_empty()).collect();
        if words.len() > 1 {
            hits = merged(hits, self.every_word(&words, veiled));
        }
        if hits.is_empty() {
            // 朝凪電装(株) also finds 株式会社朝凪電装, but only where nothing fits as typed.
            let wider = without_forms(&whole);
            if wider != whole {
                hits = self.term(&wider, "", veiled);
            }
        }
        hits
    }

    /// The customers with a contact in whose name every word stands.
    pub(super) fn contacts(&self, typed: &str) -> Vec<Hit> {
        let mut hits = Vec::new();
        self.scan(fold(typed).as_bytes(), Some(MatchedOn::Contact), false, |hit| hits.push(hit));
        hits
    }

    /// One word: as text, and as digits where it looks like a number.
    fn term(&self, folded: &str, typed: &str, veiled: bool) -> Vec<Hit> {
        let mut hits = Vec::new();
        self.scan(folded.as_bytes(), None, veiled, |hit| hits.push(hit));
        let digits = fold_digits(typed);
        let numeric = typed.chars().all(|c| c.is_numeric() || c.is_whitespace() || "-()+ー－―‐−（）＋".contains(c));
        if numeric && digits.len() >= 3 && digits != folded {
            let mut phones = Vec::new();
            self.scan(digits.as_bytes(), Some(MatchedOn::Phone), veiled, |hit| phones.push(hit));
            hits.sort_unstable_by_key(|hit| hit.0);
            hits = merged(hits, phones);
        }
        hits
    }

    fn every_word(&self, words: &[String], veiled: bool) -> Vec<Hit> {
        let mut left: Option<Vec<Hit>> = None;
        for word in words {
            let mut hits = self.term(word, word, veiled);
            hits.sort_unstable_by_key(|hit| hit.0);
            left = Some(match left {
                None => hits,
                Some(before) => before
                    .into_iter()
                    .filter(|hit| hits.binary_search_by_key(&hit.0, |h| h.0).is_ok())
                    // Several words are never an exact match of one field.
                    .map(|(row, rank, field)| (row, rank.max(Rank::Prefix), field))
                    .collect(),
            });
        }
        left.unwrap_or_default()
    }
}

/// Both lists, each row once with its better match.
fn merged(mut a: Vec<Hit>, b: Vec<Hit>) -> Vec<Hit> {
    a.extend(b);
    a.sort_unstable_by_key(|(row, rank, field)| (*row, *rank, field.tag()));
    a.dedup_by_key(|hit| hit.0);
    a
}

#[cfg(test)]
mod tests {
    use super::*;

    fn haystack(rows: &[(&str, &str, &str)]) -> Haystack {
        let mut hay = Haystack::default();
        for (row, (name, phone, mail)) in rows.iter().enumerate() {
            let mut segment = Segment::default();
            segment.push(MatchedOn::Name, &fold(name));
            segment.push_phone(phone, false);
            segment.push_mail(mail, false);
            hay.set(row as u32, &segment);
        }
        hay
    }

    #[test]
    fn exact_prefix_and_substring() {
        let hay = haystack(&[
            ("株式会社朝凪電装", "03-0001-2345", "info@asanagi.example"),
            ("朝凪", "", ""),
            ("大朝凪", "", "a@sub.asanagi.example"),
        ]);
        let rows = |typed: &str| {
            let mut hits = hay.search(typed, false);
            hits.sort_by_key(|h| (h.1, h.0));
            hits
        };
        assert_eq!(
            rows("朝凪"),
            [
                (1, Rank::Exact, MatchedOn::Name),
                (0, Rank::Substring, MatchedOn::Name),
                (2, Rank::Substring, MatchedOn::Name)
            ]
        );
        assert_eq!(rows("㈱あさなぎ"), []);
        assert_eq!(rows("(株)朝凪"), [(0, Rank::Prefix, MatchedOn::Name)]);
        assert_eq!(rows("朝凪電装(株)"), [(0, Rank::Substring, MatchedOn::Name)], "position of the form is forgiven");
        assert_eq!(rows("0001-2345"), [(0, Rank::Substring, MatchedOn::Phone)]);
        assert_eq!(rows("+81 3 0001 2345"), [(0, Rank::Exact, MatchedOn::Phone)]);
        assert_eq!(rows("asanagi.example").len(), 2);
        assert_eq!(rows("電装 asanagi"), [(0, Rank::Substring, MatchedOn::Name)]);
        assert_eq!(rows(""), []);
    }

    #[test]
    fn nobody_is_found_by_what_is_hidden() {
        let mut hay = Haystack::default();
        let mut segment = Segment::default();
        segment.push(MatchedOn::Name, &fold("朝凪商店090"));
        segment.push_phone("090-0001-2345", true);
        segment.push_phone("03-0001-2345", false);
        segment.push_mail("a@hinata.example", true);
        hay.set(0, &segment);
        for (typed, openly, veiled) in [
            ("090-0001-2345", 1, 0),
            ("09000012345", 1, 0),
            ("hinata", 1, 0),
            ("hinata 朝凪", 1, 0),
            ("0001-2345", 1, 1),
            ("03-0001-2345", 1, 1),
            ("090", 1, 1),
            ("朝凪", 1, 1),
        ] {
            assert_eq!(hay.search(typed, false).len(), openly, "{typed}");
            assert_eq!(hay.search(typed, true).len(), veiled, "{typed} veiled");
        }
    }

    #[test]
    fn changed_rows_are_found_by_their_new_text_only() {
        let mut hay = haystack(&[("あ商店", "", ""), ("い商店", "", "")]);
        for round in 0..20_000 {
            let mut segment = Segment::default();
            segment.push(MatchedOn::Name, &fold(&format!("う商店{round}")));
            hay.set(0, &segment);
            hay.tidy();
        }
        assert_eq!(hay.search("あ商店", false), []);
        assert_eq!(hay.search("う商店", false).len(), 1);
        assert_eq!(hay.search("商店", false).len(), 2);
        assert!(hay.bytes.len() < 200_000);
        hay.remove(0);
        assert_eq!(hay.search("商店", false).len(), 1);
    }
}
