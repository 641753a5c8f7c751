//! The hub without a hub, and what its provider ever vouched for.

use std::{collections::HashMap, path::PathBuf, sync::OnceLock};

use serde::Deserialize;

use crate::{
    identity::federation::saml::{
        Settings,
        apart::{Bench, Said, judge},
    },
    model::Timestamp,
};

#[derive(Deserialize)]
struct Written {
    strict: Settings,
    whole: Settings,
    key: String,
    audience: String,
    acs: String,
    now: i64,
    leeway: i64,
    genuine: Vec<Said>,
}

pub struct Place {
    written: Written,
    key: Vec<u8>,
    genuine: HashMap<String, Vec<Said>>,
    /// Documents to take pieces from.
    pub documents: Vec<String>,
}

impl Place {
    /// From the folder that `MUSUBI_SAML_FILES` names.
    ///
    /// # Panics
    /// Where the files are not there: nothing would be tested.
    pub fn get() -> &'static Self {
        static PLACE: OnceLock<Place> = OnceLock::new();
        PLACE.get_or_init(|| {
            let folder =
                PathBuf::from(std::env::var("MUSUBI_SAML_FILES").expect("`./x fuzz` says where the files are"));
            let text = std::fs::read(folder.join("place.json")).expect("`./x fuzz` writes the files");
            let written: Written = serde_json::from_slice(&text).expect("the files are of this version");
            let mut genuine: HashMap<String, Vec<Said>> = HashMap::new();
            for said in &written.genuine {
                genuine.entry(said.assertion_id.clone()).or_default().push(said.clone());
            }
            assert!(genuine.len() > 50, "hardly anything is genuine");
            let mut documents = Vec::new();
            for seeds in ["clear", "sealed"] {
                let files =
                    std::fs::read_dir(folder.join(seeds)).expect("seeds").map(|file| file.expect("a seed").path());
                documents.extend(files.filter_map(|path| std::fs::read_to_string(path).ok()));
            }
            documents.sort();
            let key = bytes(&written.key);
            Place { written, key, genuine, documents }
        })
    }

    fn judge(&self, bytes: &[u8], settings: &Settings) -> Result<Said, &'static str> {
        let Written { audience, acs, now, leeway, .. } = &self.written;
        judge(bytes, &Bench { settings, key: &self.key, audience, acs, now: Timestamp(*now), leeway: *leeway })
    }

    /// Judges an answer where a signed response is enough, and where it is not. Whatever is believed was said by
    /// the trusted key, in just these words; and who asks for more believes nothing else. Returns the code of the
    /// refusal, or `believed`.
    ///
    /// # Panics
    /// Where that does not hold.
    pub fn check(&self, bytes: &[u8]) -> &'static str {
        let whole = self.judge(bytes, &self.written.whole);
        if let Ok(said) = &whole {
            let known = self.genuine.get(&said.assertion_id).is_some_and(|known| known.contains(said));
            assert!(known, "believed, but never said: {said:?}");
            match self.judge(bytes, &self.written.strict) {
                Ok(strict) => assert_eq!(&strict, said),
                Err(code) => assert_eq!(code, "ASSERTION_UNSIGNED"),
            }
        } else if bytes.last().is_some_and(|byte| byte % 8 == 0) {
            assert_eq!(self.judge(bytes, &self.written.strict), whole);
        }
        whole.map_or_else(|code| code, |_| "believed")
    }
}

fn bytes(hex: &str) -> Vec<u8> {
    let digits = hex.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).expect("hex"));
    digits.map(|pair| u8::from_str_radix(pair, 16).expect("hex")).collect()
}
