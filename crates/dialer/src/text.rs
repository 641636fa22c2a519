//! How many messages of the mobile network a text takes: what the carrier bills.

/// The characters of the GSM 7-bit default alphabet (3GPP TS 23.038 §6.2.1) besides ASCII letters and digits.
const BASIC: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./:;<=>?¡ÄÖÑÜ§¿äöñüà";
/// Those of its extension table (§6.2.1.1), which take two places.
const EXTENDED: &str = "\u{c}^{}\\[~]|€";

/// Septets in a message of its own, and in one of several: the header of a part takes seven (3GPP TS 23.040 §9.2.3.24.1).
const SEPTETS: (u32, u32) = (160, 153);
/// The same in UTF-16 units, which every text with another character is sent in.
const UNITS: (u32, u32) = (70, 67);

/// The parts that a text is sent in; an empty text takes one.
#[must_use]
pub fn parts(text: &str) -> u32 {
    let septets = |c: char| {
        if c.is_ascii_alphanumeric() || BASIC.contains(c) {
            Some(1)
        } else {
            EXTENDED.contains(c).then_some(2)
        }
    };
    if text.chars().all(|c| septets(c).is_some()) {
        pack(text.chars().filter_map(septets), SEPTETS)
    } else {
        pack(text.chars().map(|c| c.len_utf16() as u32), UNITS)
    }
}

/// Fills part after part; no character is cut in two.
fn pack(sizes: impl Iterator<Item = u32> + Clone, (single, several): (u32, u32)) -> u32 {
    if sizes.clone().sum::<u32>() <= single {
        return 1;
    }
    let (mut parts, mut used) = (1, 0);
    for size in sizes {
        if used + size > several {
            parts += 1;
            used = 0;
        }
        used += size;
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_cut_as_networks_cut_them() {
        for (text, expected) in [
            (String::new(), 1),
            ("a".repeat(160), 1),
            ("a".repeat(161), 2),
            ("a".repeat(306), 2),
            ("a".repeat(307), 3),
            // French accents: à é è ù ç… of the alphabet cost nothing more, ê and œ turn the whole text into UTF-16.
            ("à é è ù É".repeat(17), 1),
            ("ê".to_owned() + &"a".repeat(69), 1),
            ("ê".to_owned() + &"a".repeat(70), 2),
            ("œ".repeat(134), 2),
            ("œ".repeat(135), 3),
            // The euro sign takes two septets, and is not cut in two.
            ("€".repeat(80), 1),
            ("€".repeat(81), 2),
            ("a".repeat(152) + "€" + &"a".repeat(152), 3),
            // A character outside the basic plane takes two units.
            ("🚨".repeat(35), 1),
            ("🚨".repeat(36), 2),
            ("🚨".repeat(67), 3),
        ] {
            assert_eq!(parts(&text), expected, "{text}");
        }
    }
}
