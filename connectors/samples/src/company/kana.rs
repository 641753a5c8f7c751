//! Katakana to half-width katakana (as old systems keep names) and to Latin letters (for the
//! invented mail domains).

/// Katakana, half-width form, Latin letters.
const KANA: [(char, &str, &str); 84] = [
    ('ア', "ｱ", "a"),
    ('イ', "ｲ", "i"),
    ('ウ', "ｳ", "u"),
    ('エ', "ｴ", "e"),
    ('オ', "ｵ", "o"),
    ('カ', "ｶ", "ka"),
    ('キ', "ｷ", "ki"),
    ('ク', "ｸ", "ku"),
    ('ケ', "ｹ", "ke"),
    ('コ', "ｺ", "ko"),
    ('サ', "ｻ", "sa"),
    ('シ', "ｼ", "shi"),
    ('ス', "ｽ", "su"),
    ('セ', "ｾ", "se"),
    ('ソ', "ｿ", "so"),
    ('タ', "ﾀ", "ta"),
    ('チ', "ﾁ", "chi"),
    ('ツ', "ﾂ", "tsu"),
    ('テ', "ﾃ", "te"),
    ('ト', "ﾄ", "to"),
    ('ナ', "ﾅ", "na"),
    ('ニ', "ﾆ", "ni"),
    ('ヌ', "ﾇ", "nu"),
    ('ネ', "ﾈ", "ne"),
    ('ノ', "ﾉ", "no"),
    ('ハ', "ﾊ", "ha"),
    ('ヒ', "ﾋ", "hi"),
    ('フ', "ﾌ", "fu"),
    ('ヘ', "ﾍ", "he"),
    ('ホ', "ﾎ", "ho"),
    ('マ', "ﾏ", "ma"),
    ('ミ', "ﾐ", "mi"),
    ('ム', "ﾑ", "mu"),
    ('メ', "ﾒ", "me"),
    ('モ', "ﾓ", "mo"),
    ('ヤ', "ﾔ", "ya"),
    ('ユ', "ﾕ", "yu"),
    ('ヨ', "ﾖ", "yo"),
    ('ラ', "ﾗ", "ra"),
    ('リ', "ﾘ", "ri"),
    ('ル', "ﾙ", "ru"),
    ('レ', "ﾚ", "re"),
    ('ロ', "ﾛ", "ro"),
    ('ワ', "ﾜ", "wa"),
    ('ヲ', "ｦ", "o"),
    ('ン', "ﾝ", "n"),
    ('ガ', "ｶﾞ", "ga"),
    ('ギ', "ｷﾞ", "gi"),
    ('グ', "ｸﾞ", "gu"),
    ('ゲ', "ｹﾞ", "ge"),
    ('ゴ', "ｺﾞ", "go"),
    ('ザ', "ｻﾞ", "za"),
    ('ジ', "ｼﾞ", "ji"),
    ('ズ', "ｽﾞ", "zu"),
    ('ゼ', "ｾﾞ", "ze"),
    ('ゾ', "ｿﾞ", "zo"),
    ('ダ', "ﾀﾞ", "da"),
    ('ヂ', "ﾁﾞ", "ji"),
    ('ヅ', "ﾂﾞ", "zu"),
    ('デ', "ﾃﾞ", "de"),
    ('ド', "ﾄﾞ", "do"),
    ('バ', "ﾊﾞ", "ba"),
    ('ビ', "ﾋﾞ", "bi"),
    ('ブ', "ﾌﾞ", "bu"),
    ('ベ', "ﾍﾞ", "be"),
    ('ボ', "ﾎﾞ", "bo"),
    ('パ', "ﾊﾟ", "pa"),
    ('ピ', "ﾋﾟ", "pi"),
    ('プ', "ﾌﾟ", "pu"),
    ('ペ', "ﾍﾟ", "pe"),
    ('ポ', "ﾎﾟ", "po"),
    ('ャ', "ｬ", "ya"),
    ('ュ', "ｭ", "yu"),
    ('ョ', "ｮ", "yo"),
    ('ッ', "ｯ", ""),
    ('ー', "ｰ", ""),
    ('ァ', "ｧ", "a"),
    ('ィ', "ｨ", "i"),
    ('ゥ', "ｩ", "u"),
    ('ェ', "ｪ", "e"),
    ('ォ', "ｫ", "o"),
    ('ヴ', "ｳﾞ", "bu"),
    ('・', "･", ""),
    ('ヮ', "ヮ", "wa"),
];

fn entry(c: char) -> Option<&'static (char, &'static str, &'static str)> {
    KANA.iter().find(|(kana, _, _)| *kana == c)
}

pub(super) fn half_width(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match entry(c) {
            Some((_, half, _)) => out.push_str(half),
            None => out.push(c),
        }
    }
    out
}

/// Latin letters good enough for a mail domain: small ャュョ merge with the sound before.
pub(super) fn latin(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        let Some((_, _, sound)) = entry(c) else { continue };
        match c {
            'ャ' | 'ュ' | 'ョ' if out.ends_with('i') => {
                out.pop();
                let plain = out.ends_with("sh") || out.ends_with("ch") || out.ends_with('j');
                out.push_str(if plain { &sound[1..] } else { sound });
            }
            _ => out.push_str(sound),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms() {
        assert_eq!(latin("アサナギ"), "asanagi");
        assert_eq!(latin("ジョウシュ"), "joushu");
        assert_eq!(half_width("ミナトノ"), "ﾐﾅﾄﾉ");
        assert_eq!(half_width("デバイス製"), "ﾃﾞﾊﾞｲｽ製");
    }
}
