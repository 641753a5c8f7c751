//! Which encoding a text is in, and its characters piece by piece.

use std::io::{Read, SeekFrom};

use encoding_rs::{CoderResult, DecoderResult, Encoding as Coding, SHIFT_JIS, UTF_8, UTF_16BE, UTF_16LE};

use crate::{FileError, Input, layout::Encoding};

const PIECE: usize = 64 * 1024;

fn coding(encoding: Encoding) -> &'static Coding {
    match encoding {
        Encoding::Utf8 => UTF_8,
        // The encoding standard's Shift_JIS is Windows-31J.
        Encoding::Cp932 => SHIFT_JIS,
        Encoding::Utf16le => UTF_16LE,
        Encoding::Utf16be => UTF_16BE,
    }
}

/// Finds the encoding: by its mark, by zero bytes, else whichever of UTF-8 and CP932 fits better.
pub fn detect(input: &mut dyn Input) -> Result<Encoding, FileError> {
    let mut start = Vec::new();
    input.seek(SeekFrom::Start(0))?;
    Read::take(&mut *input, 4096).read_to_end(&mut start)?;
    match start.as_slice() {
        [0xef, 0xbb, 0xbf, ..] => return Ok(Encoding::Utf8),
        [0xff, 0xfe, ..] => return Ok(Encoding::Utf16le),
        [0xfe, 0xff, ..] => return Ok(Encoding::Utf16be),
        _ => {}
    }
    let zeros = |offset: usize| start.iter().skip(offset).step_by(2).filter(|b| **b == 0).count();
    let (high, low) = (zeros(0), zeros(1));
    if high + low > start.len() / 8 {
        return Ok(if low > high { Encoding::Utf16le } else { Encoding::Utf16be });
    }
    let utf8 = flaws(input, Encoding::Utf8)?;
    if utf8 == 0 {
        return Ok(Encoding::Utf8);
    }
    Ok(if flaws(input, Encoding::Cp932)? < utf8 { Encoding::Cp932 } else { Encoding::Utf8 })
}

/// How many places an encoding cannot read.
fn flaws(input: &mut dyn Input, encoding: Encoding) -> Result<u64, FileError> {
    input.seek(SeekFrom::Start(0))?;
    let mut decoder = coding(encoding).new_decoder_with_bom_removal();
    let mut bytes = vec![0; PIECE];
    let mut out = vec![0; PIECE * 3 + 16];
    let mut flaws = 0;
    loop {
        let n = input.read(&mut bytes)?;
        let mut rest = &bytes[..n];
        loop {
            let (result, read, _) = decoder.decode_to_utf8_without_replacement(rest, &mut out, n == 0);
            rest = &rest[read..];
            match result {
                DecoderResult::InputEmpty => break,
                DecoderResult::OutputFull => {}
                DecoderResult::Malformed(..) => flaws += 1,
            }
        }
        if n == 0 {
            return Ok(flaws);
        }
    }
}

/// A text in pieces. What cannot be read becomes U+FFFD.
pub struct Pieces<'a> {
    input: &'a mut dyn Input,
    decoder: encoding_rs::Decoder,
    bytes: Vec<u8>,
    ended: bool,
}

impl<'a> Pieces<'a> {
    pub fn new(input: &'a mut dyn Input, encoding: Encoding) -> Result<Self, FileError> {
        input.seek(SeekFrom::Start(0))?;
        let decoder = coding(encoding).new_decoder_with_bom_removal();
        Ok(Self { input, decoder, bytes: vec![0; PIECE], ended: false })
    }

    /// Puts the next piece into `out`. `false`: there is no more.
    pub fn next(&mut self, out: &mut String) -> Result<bool, FileError> {
        out.clear();
        if self.ended {
            return Ok(false);
        }
        let n = self.input.read(&mut self.bytes)?;
        self.ended = n == 0;
        out.reserve(self.decoder.max_utf8_buffer_length(n).unwrap_or(PIECE * 3));
        let mut rest = &self.bytes[..n];
        loop {
            let (result, read, _) = self.decoder.decode_to_string(rest, out, self.ended);
            rest = &rest[read..];
            match result {
                CoderResult::InputEmpty => return Ok(true),
                CoderResult::OutputFull => out.reserve(PIECE),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn all(bytes: &[u8]) -> (Encoding, String) {
        let mut input = Cursor::new(bytes.to_vec());
        let encoding = detect(&mut input).expect("readable");
        let (mut text, mut piece) = (String::new(), String::new());
        let mut pieces = Pieces::new(&mut input, encoding).expect("readable");
        while pieces.next(&mut piece).expect("readable") {
            text.push_str(&piece);
        }
        (encoding, text)
    }

    #[test]
    fn encodings_are_told_apart() {
        // NEC's ㈱ and ①, IBM's 髙 and 﨑, the wave dash of Windows.
        let text = "得意先,㈱髙﨑商店①〜ｱｲ\n";
        let windows = text.replace('〜', "～");
        let (cp932, _, lossy) = SHIFT_JIS.encode(&windows);
        assert!(!lossy);
        assert_eq!(all(&cp932), (Encoding::Cp932, windows));
        assert_eq!(all(text.as_bytes()), (Encoding::Utf8, text.to_owned()));
        assert_eq!(all(&[b"\xef\xbb\xbf", text.as_bytes()].concat()), (Encoding::Utf8, text.to_owned()));
        let little: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        assert_eq!(all(&[b"\xff\xfe", little.as_slice()].concat()), (Encoding::Utf16le, text.to_owned()));
        assert_eq!(all(&[b"\xfe\xff", big.as_slice()].concat()), (Encoding::Utf16be, text.to_owned()));
        // One broken byte does not make Japanese UTF-8 something else.
        let mut broken = "取引先名,住所\n朝凪電装,東京都".as_bytes().to_vec();
        broken.push(0xff);
        assert_eq!(all(&broken).0, Encoding::Utf8);
    }
}
