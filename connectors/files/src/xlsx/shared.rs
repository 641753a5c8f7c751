//! Texts that a workbook stores once: one long text and where each ends.

use std::io::BufRead;

use crate::{
    FileError,
    xml::{Token, Tokens, broken},
};

#[derive(Default)]
pub struct Shared {
    all: String,
    ends: Vec<u32>,
}

impl Shared {
    pub fn read<R: BufRead>(tokens: &mut Tokens<R>) -> Result<Self, FileError> {
        let mut shared = Self::default();
        let (mut in_text, mut phonetic) = (false, false);
        while let Some(token) = tokens.next()? {
            match token {
                Token::Open { name: "t", empty, .. } => in_text = !empty,
                Token::Close("t") => in_text = false,
                // How a text is read aloud stands beside it and is no part of it.
                Token::Open { name: "rPh", empty, .. } => phonetic = !empty,
                Token::Close("rPh") => phonetic = false,
                Token::Open { name: "si", empty: true, .. } | Token::Close("si") => {
                    shared.ends.push(u32::try_from(shared.all.len()).map_err(|_| broken("shared texts"))?);
                }
                Token::Text(text) if in_text && !phonetic => shared.all.push_str(text),
                _ => {}
            }
        }
        Ok(shared)
    }

    pub fn get(&self, index: usize) -> Option<&str> {
        let end = *self.ends.get(index)? as usize;
        let start = if index == 0 { 0 } else { *self.ends.get(index - 1)? as usize };
        self.all.get(start..end)
    }
}
