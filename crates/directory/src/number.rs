use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A telephone number in international form (ITU-T E.164): country code and national number, at most 15 digits.
///
/// `Display` writes French numbers the French way (`01 99 00 12 34`) and others with `+`;
/// [`E164::international`] always writes `+33199001234`, which is also its form in JSON.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct E164(u64);

/// What sort of line a number leads to, as far as the numbering plan tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A fixed line: 01 to 05 and 09 in France.
    Landline,
    /// A mobile: 06 and 07 in France.
    Mobile,
    /// A foreign number whose plan is not known here.
    Foreign,
}

/// Why a text is not a number that can be called.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NumberError {
    /// Nothing but blanks.
    #[error("no number")]
    Empty,
    /// A character that no telephone number holds.
    #[error("“{0}” has no place in a telephone number")]
    Character(char),
    /// Emergency and short numbers (15, 112, 3639…) cannot be recipients.
    #[error("short numbers cannot be called by an alert")]
    Short,
    /// Fewer digits than a number of that country has.
    #[error("digits are missing: {0} found")]
    TooFewDigits(usize),
    /// More digits than a number of that country has.
    #[error("too many digits: {0} found")]
    TooManyDigits(usize),
    /// French numbers that charge the caller: 081, 082, 089 and the like.
    #[error("this is a special-rate number")]
    SpecialRate,
    /// No country has this code, or the number begins with 00 after it.
    #[error("the country code is wrong")]
    CountryCode,
    /// A spreadsheet shortened the number (`1,99E+08`): its last digits are lost.
    #[error("the spreadsheet shortened the number; its last digits are lost")]
    Shortened,
}

/// National prefixes (without 0) of the French overseas departments, and the country code that each belongs to.
/// Arcep, plan national de numérotation.
const OVERSEAS: [(&str, u64); 14] = [
    ("262", 262),
    ("263", 262),
    ("269", 262),
    ("639", 262),
    ("692", 262),
    ("693", 262),
    ("590", 590),
    ("690", 590),
    ("691", 590),
    ("594", 594),
    ("694", 594),
    ("596", 596),
    ("696", 596),
    ("697", 596),
];

/// Country codes of the overseas departments, whose numbers have 9 digits after the code, as in mainland France.
const OVERSEAS_CODES: [&str; 4] = ["262", "590", "594", "596"];

impl E164 {
    /// Reads a number as people in France write it: national or international, with or without blanks, dots, dashes,
    /// slashes, `(0)`, a leading `Tél.`, or with its leading zero lost to a spreadsheet.
    ///
    /// ```
    /// use directory::E164;
    /// for text in ["01 99 00 12 34", "+33 (0)1.99.00.12.34", "0033199001234", "199001234", "199001234.0"] {
    ///     assert_eq!(E164::parse(text).unwrap().international(), "+33199001234");
    /// }
    /// assert!(E164::parse("112").is_err());
    /// ```
    pub fn parse(text: &str) -> Result<E164, NumberError> {
        let text = strip_label(text.trim_matches(is_blank));
        if text.is_empty() {
            return Err(NumberError::Empty);
        }
        let text = strip_decimals(text)?;
        let (digits, plus) = digits_of(text)?;
        let digits = digits.as_str();
        if let Some(rest) = digits.strip_prefix("00") {
            return international(rest);
        }
        if plus {
            return international(digits);
        }
        match digits.len() {
            0 => Err(NumberError::Empty),
            1..=6 => Err(NumberError::Short),
            10 if digits.starts_with('0') => french(&digits[1..]),
            9 if !digits.starts_with('0') => french(digits),
            // The plus was lost: 33199001234, 330199001234, 262692123456.
            11 if digits.starts_with("33") => french(&digits[2..]),
            12 if digits.starts_with("330") => french(&digits[3..]),
            12 if OVERSEAS_CODES.iter().any(|code| digits.starts_with(code)) => international(digits),
            count @ 7..=9 => Err(NumberError::TooFewDigits(count)),
            count => Err(NumberError::TooManyDigits(count)),
        }
    }

    /// The digits with `+`: `+33199001234`.
    pub fn international(self) -> String {
        format!("+{}", self.0)
    }

    /// The digits without `+`: `33199001234`.
    pub fn digits(self) -> String {
        self.0.to_string()
    }

    /// The number as dialled from mainland France: `0199001234`, or `00` and the digits.
    pub fn dialled_from_france(self) -> String {
        match self.french_national() {
            Some(national) => format!("0{national:09}"),
            None => format!("00{}", self.0),
        }
    }

    /// What sort of line this is.
    pub fn kind(self) -> Kind {
        if let Some(national) = self.french_national() {
            return if matches!(national / 100_000_000, 6 | 7) {
                Kind::Mobile
            } else {
                Kind::Landline
            };
        }
        let digits = self.digits();
        let mobile = [
            ("324", 11),
            ("4915", 0),
            ("4916", 0),
            ("4917", 0),
            ("447", 12),
            ("3526", 0),
        ];
        match mobile
            .iter()
            .any(|(prefix, len)| digits.starts_with(prefix) && (*len == 0 || digits.len() == *len))
        {
            true => Kind::Mobile,
            false => Kind::Foreign,
        }
    }

    /// The digits as one number.
    pub(crate) fn value(self) -> u64 {
        self.0
    }

    /// The nine digits after the code, for mainland and overseas France.
    pub(crate) fn french_national(self) -> Option<u64> {
        const NINE: u64 = 1_000_000_000;
        let code = self.0 / NINE;
        (code == 33 || OVERSEAS.iter().any(|(_, overseas)| *overseas == code)).then_some(self.0 % NINE)
    }
}

/// Nine national digits of mainland or overseas France.
fn french(national: &str) -> Result<E164, NumberError> {
    match national.len() {
        0..=4 => return Err(NumberError::Short),
        5..=8 => return Err(NumberError::TooFewDigits(national.len())),
        9 => {}
        more => return Err(NumberError::TooManyDigits(more)),
    }
    if national.starts_with('0') {
        return Err(NumberError::CountryCode);
    }
    if national.starts_with('8') && !national.starts_with("80") {
        return Err(NumberError::SpecialRate);
    }
    // 06 39 is Mayotte, except 06 39 98, which Arcep keeps for fiction.
    let code = match OVERSEAS.iter().find(|(prefix, _)| national.starts_with(prefix)) {
        Some(_) if national.starts_with("63998") => 33,
        Some((_, code)) => *code,
        None => 33,
    };
    let national: u64 = national
        .parse()
        .map_err(|_| NumberError::TooManyDigits(national.len()))?;
    Ok(E164(code * 1_000_000_000 + national))
}

/// Digits that begin with a country code.
fn international(digits: &str) -> Result<E164, NumberError> {
    if digits.is_empty() || digits.starts_with('0') {
        return Err(NumberError::CountryCode);
    }
    if let Some(rest) = digits.strip_prefix("33") {
        return french(rest.strip_prefix('0').unwrap_or(rest));
    }
    for code in OVERSEAS_CODES {
        if let Some(rest) = digits.strip_prefix(code) {
            let rest = rest.strip_prefix('0').unwrap_or(rest);
            let number = french(rest)?;
            return if number.digits().starts_with(code) {
                Ok(number)
            } else {
                Err(NumberError::CountryCode)
            };
        }
    }
    match digits.len() {
        0..=6 => Err(NumberError::TooFewDigits(digits.len())),
        7..=15 => digits
            .parse()
            .map(E164)
            .map_err(|_| NumberError::TooManyDigits(digits.len())),
        more => Err(NumberError::TooManyDigits(more)),
    }
}

/// The digits of a text that holds nothing but digits and the usual separators, and whether a `+` led.
fn digits_of(text: &str) -> Result<(String, bool), NumberError> {
    // "+33 (0)1…": the trunk zero in brackets is for callers inside the country.
    let text = text.replace("(0)", " ");
    let mut digits = String::with_capacity(16);
    let mut plus = false;
    for character in text.chars() {
        match character {
            '0'..='9' => digits.push(character),
            '+' if digits.is_empty() && !plus => plus = true,
            '.' | '-' | '/' | '(' | ')' | '_' | '\u{2010}'..='\u{2015}' | '·' => {}
            blank if is_blank(blank) => {}
            other => return Err(NumberError::Character(other)),
        }
        if digits.len() > 20 {
            return Err(NumberError::TooManyDigits(digits.len()));
        }
    }
    Ok((digits, plus))
}

/// Blanks of keyboards, word processors and copied web pages, and the apostrophe that marks text in a spreadsheet.
fn is_blank(character: char) -> bool {
    character.is_whitespace()
        || matches!(character, '\'' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{feff}')
}

/// Removes a leading `Tél. :`, `tel:`, `Mobile :` and the like.
fn strip_label(text: &str) -> &str {
    let Some(end) = text.find(|c: char| c.is_ascii_digit() || c == '+' || c == '(') else {
        return text;
    };
    let label = text[..end]
        .trim_end_matches(|c: char| is_blank(c) || matches!(c, ':' | '.'))
        .to_lowercase();
    let known = [
        "tél",
        "tel",
        "téléphone",
        "telephone",
        "mobile",
        "portable",
        "port",
        "fixe",
        "gsm",
    ];
    if known.contains(&label.as_str()) {
        &text[end..]
    } else {
        text
    }
}

/// `199001234.0` is a number cell written as text; `1,99E+08` is one whose digits are lost.
fn strip_decimals(text: &str) -> Result<&str, NumberError> {
    if let Some((mantissa, exponent)) = text.split_once(['e', 'E'])
        && mantissa.starts_with(|c: char| c.is_ascii_digit())
        && !exponent.is_empty()
        && exponent.chars().all(|c| c.is_ascii_digit() || c == '+')
    {
        return Err(NumberError::Shortened);
    }
    match text.split_once(['.', ',']) {
        Some((whole, fraction))
            if whole.len() >= 9
                && whole.bytes().all(|b| b.is_ascii_digit())
                && !fraction.is_empty()
                && fraction.bytes().all(|b| b == b'0') =>
        {
            Ok(whole)
        }
        _ => Ok(text),
    }
}

impl FromStr for E164 {
    type Err = NumberError;

    fn from_str(text: &str) -> Result<E164, NumberError> {
        E164::parse(text)
    }
}

impl TryFrom<String> for E164 {
    type Error = NumberError;

    fn try_from(text: String) -> Result<E164, NumberError> {
        E164::parse(&text)
    }
}

impl From<E164> for String {
    fn from(number: E164) -> String {
        number.international()
    }
}

impl fmt::Display for E164 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(national) = self.french_national() else {
            return write!(f, "+{}", self.0);
        };
        let digits = format!("{national:09}");
        if self.0 / 1_000_000_000 == 33 {
            write!(
                f,
                "0{} {} {} {} {}",
                &digits[..1],
                &digits[1..3],
                &digits[3..5],
                &digits[5..7],
                &digits[7..]
            )
        } else {
            write!(
                f,
                "0{} {} {} {}",
                &digits[..3],
                &digits[3..5],
                &digits[5..7],
                &digits[7..]
            )
        }
    }
}

impl fmt::Debug for E164 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "+{}", self.0)
    }
}

/// A number of a recipient, with what it can be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct PhoneNumber {
    /// The number.
    pub e164: E164,
    /// The sort of line.
    pub kind: Kind,
    /// May be called.
    pub voice: bool,
    /// May be sent an SMS.
    pub sms: bool,
}

impl PhoneNumber {
    /// A number with the uses that its kind suggests: every line can be called, mobiles take SMS.
    pub fn new(e164: E164) -> PhoneNumber {
        let kind = e164.kind();
        PhoneNumber {
            e164,
            kind,
            voice: true,
            sms: kind == Kind::Mobile,
        }
    }
}

impl From<E164> for PhoneNumber {
    fn from(e164: E164) -> PhoneNumber {
        PhoneNumber::new(e164)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_people_write_them() {
        let cases = [
            ("01 99 00 12 34", "+33199001234"),
            ("01.99.00.12.34", "+33199001234"),
            ("01-99-00-12-34", "+33199001234"),
            ("01/99/00/12/34", "+33199001234"),
            ("0199001234", "+33199001234"),
            ("01\u{a0}99\u{202f}00 12 34", "+33199001234"),
            ("+33 (0)1.99.00.12.34", "+33199001234"),
            ("+33 1 99 00 12 34", "+33199001234"),
            ("+330199001234", "+33199001234"),
            ("(+33) 1 99 00 12 34", "+33199001234"),
            ("0033199001234", "+33199001234"),
            ("00 33 (0)1 99 00 12 34", "+33199001234"),
            ("199001234", "+33199001234"),
            ("199001234.0", "+33199001234"),
            ("199001234,00", "+33199001234"),
            ("33199001234", "+33199001234"),
            ("'0199001234", "+33199001234"),
            ("Tél. : 01 99 00 12 34", "+33199001234"),
            ("tel:+33199001234", "+33199001234"),
            ("Portable 06 39 98 12 34", "+33639981234"),
            ("06 39 98 00 00", "+33639980000"),
            ("639980000", "+33639980000"),
            ("0639012345", "+262639012345"),
            ("0262 12 34 56", "+262262123456"),
            ("+262 262 12 34 56", "+262262123456"),
            ("+262 0262 12 34 56", "+262262123456"),
            ("0692 12 34 56", "+262692123456"),
            ("+33 692 12 34 56", "+262692123456"),
            ("262692123456", "+262692123456"),
            ("0590 12 34 56", "+590590123456"),
            ("0696 12 34 56", "+596696123456"),
            ("0800 12 34 56", "+33800123456"),
            ("+32 2 555 12 34", "+3225551234"),
            ("0032 475 12 34 56", "+32475123456"),
            ("+44 20 7946 0000", "+442079460000"),
            ("+377 98 98 98 98", "+37798989898"),
        ];
        for (text, expected) in cases {
            assert_eq!(
                E164::parse(text).map(E164::international),
                Ok(expected.to_owned()),
                "{text}"
            );
        }
    }

    #[test]
    fn what_cannot_be_called_is_refused_with_its_reason() {
        let cases = [
            ("", NumberError::Empty),
            ("  ", NumberError::Empty),
            ("--", NumberError::Empty),
            ("15", NumberError::Short),
            ("112", NumberError::Short),
            ("3639", NumberError::Short),
            ("118218", NumberError::Short),
            ("+33 15", NumberError::Short),
            ("01 99 00 12", NumberError::TooFewDigits(8)),
            ("01 99 00 12 3", NumberError::TooFewDigits(9)),
            ("01 99 00 12 34 5", NumberError::TooManyDigits(11)),
            ("0199001234 0639981234", NumberError::TooManyDigits(20)),
            ("+33 1 99 00 12", NumberError::TooFewDigits(7)),
            ("0899 12 34 56", NumberError::SpecialRate),
            ("0820 12 34 56", NumberError::SpecialRate),
            ("0099001234", NumberError::TooManyDigits(0)),
            ("000033199001234", NumberError::CountryCode),
            ("+0199001234", NumberError::CountryCode),
            ("+262 1 99 00 12 34", NumberError::CountryCode),
            ("+1234567890123456", NumberError::TooManyDigits(16)),
            ("1,99E+08", NumberError::Shortened),
            ("1.99001234E8", NumberError::Shortened),
            ("mairie", NumberError::Character('m')),
            ("01 99 00 12 3x", NumberError::Character('x')),
            ("=1+1", NumberError::Character('=')),
            ("٠١٩٩٠٠١٢٣٤", NumberError::Character('٠')),
        ];
        for (text, expected) in cases {
            match expected {
                // "00" then a foreign number: whatever it is, it is not French.
                NumberError::TooManyDigits(0) => assert!(E164::parse(text).is_ok_and(|n| n.kind() == Kind::Foreign)),
                expected => assert_eq!(E164::parse(text), Err(expected), "{text}"),
            }
        }
    }

    #[test]
    fn numbers_are_shown_the_french_way() {
        let cases = [
            ("+33199001234", "01 99 00 12 34", "0199001234", Kind::Landline),
            ("+33999001234", "09 99 00 12 34", "0999001234", Kind::Landline),
            ("+33639981234", "06 39 98 12 34", "0639981234", Kind::Mobile),
            ("+33712345678", "07 12 34 56 78", "0712345678", Kind::Mobile),
            ("+262692123456", "0692 12 34 56", "0692123456", Kind::Mobile),
            ("+262262123456", "0262 12 34 56", "0262123456", Kind::Landline),
            ("+3225551234", "+3225551234", "003225551234", Kind::Foreign),
            ("+32475123456", "+32475123456", "0032475123456", Kind::Mobile),
        ];
        for (text, shown, dialled, kind) in cases {
            let number = E164::parse(text).unwrap();
            assert_eq!(number.to_string(), shown);
            assert_eq!(number.dialled_from_france(), dialled);
            assert_eq!(number.kind(), kind, "{text}");
            assert_eq!(E164::parse(shown), Ok(number));
            assert_eq!(E164::parse(dialled), Ok(number));
        }
    }

    #[test]
    fn json_holds_the_international_form() {
        let number = E164::parse("01 99 00 12 34").unwrap();
        assert_eq!(serde_json::to_string(&number).unwrap(), "\"+33199001234\"");
        assert_eq!(serde_json::from_str::<E164>("\"+33199001234\"").unwrap(), number);
        assert!(serde_json::from_str::<E164>("\"112\"").is_err());
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_or_refused_without_panic(text in "\\PC{0,40}") {
            let _ = E164::parse(&text);
        }

        #[test]
        fn what_is_read_is_read_back_from_every_form(text in "[+0-9]{6,16}") {
            if let Ok(number) = E164::parse(&text) {
                for form in [number.international(), number.to_string(), number.dialled_from_france()] {
                    proptest::prop_assert_eq!(E164::parse(&form), Ok(number));
                }
            }
        }
    }
}
