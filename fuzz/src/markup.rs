//! Changes documents as an attacker does: whole elements are copied, moved, exchanged, wrapped and taken from
//! other documents; values go to places that they were not made for. What comes out is mostly well formed, so it
//! gets further than a changed byte does.

use std::ops::Range;

use crate::Place;

/// Pseudo-random numbers (xorshift), from the fuzzer's seed: the same seed, the same change.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % end.max(1) as u64).unwrap_or(0)
    }

    fn of<'a, T>(&mut self, all: &'a [T]) -> Option<&'a T> {
        let at = self.below(all.len());
        all.get(at)
    }
}

/// Texts that readers of XML trip over, put anywhere.
const ODD: [&str; 16] = [
    "<!---->",
    "<?x y?>",
    "<![CDATA[x]]>",
    "&#x20;",
    "&#10;",
    "&amp;",
    "&#0;",
    " xmlns=\"\"",
    " xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\"",
    " xmlns:x=\"urn:oasis:names:tc:SAML:2.0:protocol\"",
    " xml:id=\"_a\"",
    " ID=\"_a1-ok-both-signed\"",
    "\u{00A0}",
    "\r\n",
    "&#xD;",
    "'",
];

/// Values that a part of an answer may be given.
const WORDS: [&str; 12] = [
    "",
    "#",
    "http://www.w3.org/2000/09/xmldsig#sha1",
    "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256",
    "http://www.w3.org/2001/10/xml-exc-c14n#WithComments",
    "http://www.w3.org/2001/10/xml-exc-c14n#",
    "http://www.w3.org/2000/09/xmldsig#enveloped-signature",
    "urn:oasis:names:tc:SAML:2.0:assertion",
    "urn:oasis:names:tc:SAML:2.0:protocol",
    "sub-evil",
    "admins",
    "2.0",
];

/// One change mostly, or a few; `None`: the document has no elements to change.
#[must_use]
pub fn changed(text: &str, seed: u32) -> Option<String> {
    let mut dice = Dice(u64::from(seed).wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    let mut text = once(text, &mut dice)?;
    while dice.below(3) == 0 {
        text = once(&text, &mut dice)?;
    }
    Some(text)
}

fn once(text: &str, dice: &mut Dice) -> Option<String> {
    let elements = elements(text);
    let one = dice.of(&elements)?.clone();
    let other = dice.of(&elements)?.clone();
    let piece = &text[one.clone()];
    Some(match dice.below(12) {
        0 => spliced(text, &one, ""),
        1 => spliced(text, &(other.start..other.start), piece),
        2 => spliced(text, &(other.end..other.end), piece),
        // Inside another: behind its start tag.
        3 => {
            let inside = other.start + text[other.clone()].find('>')? + 1;
            spliced(text, &(inside..inside), piece)
        }
        4 => moved(text, &one, &other)?,
        5 => exchanged(text, &one, &other)?,
        6 => {
            let around = &text[other.clone()];
            let (start, end) = (around.find('>')? + 1, around.rfind('<')?);
            let wrapped = format!("{}{piece}{}", around.get(..start)?, around.get(end..)?);
            spliced(text, &one, &wrapped)
        }
        7 | 8 => {
            let from = dice.of(&Place::get().documents)?;
            let theirs = dice.of(&self::elements(from))?.clone();
            let place = if dice.below(2) == 0 { one } else { one.start..one.start };
            spliced(text, &place, &from[theirs])
        }
        9 => {
            let values = values(text);
            let (to, from) = (dice.of(&values)?.clone(), dice.of(&values)?.clone());
            let new = if dice.below(3) == 0 { dice.of(&WORDS)? } else { &text[from] };
            spliced(text, &to, new)
        }
        10 => {
            let at = boundary(text, dice.below(text.len() + 1));
            spliced(text, &(at..at), dice.of(&ODD)?)
        }
        // Another prefix for everything, or for one element.
        _ => {
            let (from, to) = *dice.of(&[("saml:", "samlp:"), ("samlp:", "saml:"), ("ds:", "x:"), ("saml:", "")])?;
            if dice.below(2) == 0 { text.replace(from, to) } else { spliced(text, &one, &piece.replace(from, to)) }
        }
    })
}

fn spliced(text: &str, place: &Range<usize>, new: &str) -> String {
    format!("{}{new}{}", &text[..place.start], &text[place.end..])
}

fn moved(text: &str, one: &Range<usize>, to: &Range<usize>) -> Option<String> {
    let piece = &text[one.clone()];
    if to.start >= one.end {
        Some(format!("{}{}{piece}{}", &text[..one.start], &text[one.end..to.start], &text[to.start..]))
    } else if to.start <= one.start {
        Some(format!("{}{piece}{}{}", &text[..to.start], &text[to.start..one.start], &text[one.end..]))
    } else {
        None
    }
}

fn exchanged(text: &str, one: &Range<usize>, other: &Range<usize>) -> Option<String> {
    let (first, second) = if one.start < other.start { (one, other) } else { (other, one) };
    let between = text.get(first.end..second.start)?;
    let (a, b) = (&text[first.clone()], &text[second.clone()]);
    Some(format!("{}{b}{between}{a}{}", &text[..first.start], &text[second.end..]))
}

fn boundary(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

/// Where elements stand, from `<` to behind their end; roughly, for what is no document as well.
fn elements(text: &str) -> Vec<Range<usize>> {
    let (mut open, mut found) = (Vec::new(), Vec::new());
    let mut at = 0;
    while let Some(start) = text[at..].find('<').map(|next| at + next) {
        let Some(end) = text[start..].find('>').map(|next| start + next + 1) else { break };
        let tag = &text[start..end];
        if tag.starts_with("</") {
            found.extend(open.pop().map(|from| from..end));
        } else if tag.ends_with("/>") {
            found.push(start..end);
        } else if !tag.starts_with("<!") && !tag.starts_with("<?") {
            open.push(start);
        }
        at = end;
        if found.len() > 500 {
            break;
        }
    }
    found
}

/// Where values stand: between quotes in tags, and texts between tags.
fn values(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut tag = false;
    let mut since = 0;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'<' => {
                if !tag && at > since {
                    found.push(since..at);
                }
                tag = true;
            }
            b'>' => (tag, since) = (false, at + 1),
            b'"' if tag => {
                if text.as_bytes().get(since.wrapping_sub(1)) == Some(&b'"') {
                    found.push(since..at);
                    since = 0;
                } else {
                    since = at + 1;
                }
            }
            _ => {}
        }
    }
    found
}
