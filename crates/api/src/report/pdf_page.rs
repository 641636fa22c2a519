//! Paper: A4 pages, the two Helveticas that every PDF reader has, text measured and placed, lines and bars.

use pdf_writer::{Content, Finish, Name, Pdf, Rect, Ref, Str, TextStr};

/// Width of the paper, in points (A4, ISO 216).
pub(super) const WIDTH: f32 = 595.28;
/// Height of the paper, in points.
pub(super) const HEIGHT: f32 = 841.89;
/// White border.
pub(super) const MARGIN: f32 = 48.0;

/// One of the two faces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Face {
    Regular,
    Bold,
}

/// A colour as red, green, blue from 0 to 1.
pub(super) type Ink = [f32; 3];
pub(super) const BLACK: Ink = [0.1, 0.1, 0.12];
pub(super) const GREY: Ink = [0.36, 0.38, 0.42];
pub(super) const BLUE: Ink = [0.12, 0.23, 0.37];
pub(super) const PALE: Ink = [0.93, 0.95, 0.97];
pub(super) const GREEN: Ink = [0.09, 0.46, 0.32];
pub(super) const ORANGE: Ink = [0.85, 0.51, 0.14];
pub(super) const RED: Ink = [0.79, 0.28, 0.25];

/// Pages as they are drawn. `y` runs from the top down here; PDF counts from the bottom.
pub(super) struct Paper {
    done: Vec<Vec<u8>>,
    page: Content,
}

impl Paper {
    pub(super) fn new() -> Paper {
        Paper {
            done: Vec::new(),
            page: Content::new(),
        }
    }

    pub(super) fn next_page(&mut self) {
        let page = std::mem::replace(&mut self.page, Content::new());
        self.done.push(page.finish().into_vec());
    }

    pub(super) fn text(&mut self, x: f32, y: f32, face: Face, size: f32, ink: Ink, text: &str) {
        let font = if face == Face::Bold { Name(b"F2") } else { Name(b"F1") };
        self.page.set_fill_rgb(ink[0], ink[1], ink[2]);
        self.page
            .begin_text()
            .set_font(font, size)
            .next_line(x, HEIGHT - y)
            .show(Str(&win_ansi(text)))
            .end_text();
    }

    /// Text that ends at `x`.
    pub(super) fn text_to(&mut self, x: f32, y: f32, face: Face, size: f32, ink: Ink, text: &str) {
        self.text(x - width(face, size, text), y, face, size, ink, text);
    }

    pub(super) fn fill(&mut self, x: f32, y: f32, w: f32, h: f32, ink: Ink) {
        self.page.set_fill_rgb(ink[0], ink[1], ink[2]);
        self.page.rect(x, HEIGHT - y - h, w, h).fill_nonzero();
    }

    pub(super) fn line(&mut self, points: &[(f32, f32)], thickness: f32, ink: Ink) {
        let Some(((x, y), rest)) = points.split_first() else {
            return;
        };
        self.page
            .set_stroke_rgb(ink[0], ink[1], ink[2])
            .set_line_width(thickness)
            .move_to(*x, HEIGHT - y);
        for (x, y) in rest {
            self.page.line_to(*x, HEIGHT - y);
        }
        self.page.stroke();
    }

    /// Ends the last page, adds `footer(page, pages)` to each, and writes the file.
    pub(super) fn finish(
        mut self,
        title: &str,
        author: &str,
        language: &str,
        footer: impl Fn(usize, usize) -> String,
    ) -> Vec<u8> {
        self.next_page();
        let (catalog, tree, info, regular, bold) = (Ref::new(1), Ref::new(2), Ref::new(3), Ref::new(4), Ref::new(5));
        let page_ref = |index: usize| Ref::new(6 + 2 * i32::try_from(index).unwrap_or(i32::MAX / 4));
        let pages = self.done.len();
        let mut pdf = Pdf::new();
        let mut root = pdf.catalog(catalog);
        root.pages(tree).lang(TextStr(language));
        root.viewer_preferences().display_doc_title(true);
        root.finish();
        pdf.document_info(info)
            .title(TextStr(title))
            .author(TextStr(author))
            .creator(TextStr("tocsin"));
        pdf.pages(tree)
            .kids((0..pages).map(page_ref))
            .count(i32::try_from(pages).unwrap_or(i32::MAX));
        for (font, name) in [(regular, &b"Helvetica"[..]), (bold, b"Helvetica-Bold")] {
            pdf.type1_font(font)
                .base_font(Name(name))
                .encoding_predefined(Name(b"WinAnsiEncoding"));
        }
        for (index, mut drawn) in std::mem::take(&mut self.done).into_iter().enumerate() {
            let mut foot = Paper::new();
            let text = footer(index + 1, pages);
            foot.line(&[(MARGIN, HEIGHT - 40.0), (WIDTH - MARGIN, HEIGHT - 40.0)], 0.5, GREY);
            foot.text_to(WIDTH - MARGIN, HEIGHT - 28.0, Face::Regular, 8.0, GREY, &text);
            drawn.push(b'\n');
            drawn.extend(foot.page.finish().into_vec());
            let contents = Ref::new(page_ref(index).get() + 1);
            let mut page = pdf.page(page_ref(index));
            page.parent(tree)
                .media_box(Rect::new(0.0, 0.0, WIDTH, HEIGHT))
                .contents(contents);
            page.resources()
                .fonts()
                .pair(Name(b"F1"), regular)
                .pair(Name(b"F2"), bold);
            page.finish();
            // Not compressed: a report is small, and whoever audits it can read it.
            pdf.stream(contents, &drawn);
        }
        pdf.finish()
    }
}

/// Bytes of the text in WinAnsiEncoding (PDF 32000-1 annex D); what it lacks becomes `?`, without its accent if it has one we know.
pub(super) fn win_ansi(text: &str) -> Vec<u8> {
    text.chars()
        .map(|c| match c {
            ' '..='~' | '\u{a0}'..='\u{ff}' => u8::try_from(u32::from(c)).unwrap_or(b'?'),
            '\t' | '\n' | '\r' | '\u{2009}' | '\u{202f}' => b' ',
            '€' => 0x80,
            '…' => 0x85,
            'Š' => 0x8a,
            'Œ' => 0x8c,
            'Ž' => 0x8e,
            '‘' => 0x91,
            '’' => 0x92,
            '“' => 0x93,
            '”' => 0x94,
            '•' => 0x95,
            '–' | '‑' => 0x96,
            '—' => 0x97,
            '™' => 0x99,
            'š' => 0x9a,
            'œ' => 0x9c,
            'ž' => 0x9e,
            'Ÿ' => 0x9f,
            'ć' | 'č' => b'c',
            'ł' => b'l',
            'ń' => b'n',
            'ő' => b'o',
            'ș' | 'ş' => b's',
            'ț' => b't',
            'ă' => b'a',
            _ => b'?',
        })
        .collect()
}

/// Width of a text, in points.
pub(super) fn width(face: Face, size: f32, text: &str) -> f32 {
    win_ansi(text)
        .into_iter()
        .map(|byte| f32::from(advance(face, byte)))
        .sum::<f32>()
        * size
        / 1000.0
}

/// The text cut so that it fits, with `…` when it was cut.
pub(super) fn fitted(face: Face, size: f32, text: &str, room: f32) -> String {
    if width(face, size, text) <= room {
        return text.to_owned();
    }
    let mut cut: String = text.to_owned();
    while !cut.is_empty() && width(face, size, &cut) + width(face, size, "…") > room {
        cut.pop();
    }
    format!("{}…", cut.trim_end())
}

/// The text in lines that fit; a word longer than a line is cut.
pub(super) fn wrapped(face: Face, size: f32, text: &str, room: f32) -> Vec<String> {
    let mut lines = Vec::new();
    for paragraph in text.lines() {
        let mut line = String::new();
        for word in paragraph.split_whitespace() {
            let longer = if line.is_empty() {
                word.to_owned()
            } else {
                format!("{line} {word}")
            };
            if width(face, size, &longer) <= room {
                line = longer;
            } else {
                if !line.is_empty() {
                    lines.push(std::mem::take(&mut line));
                }
                line = fitted(face, size, word, room);
            }
        }
        lines.push(line);
    }
    lines
}

/// Advance widths of Helvetica and Helvetica-Bold for ASCII from the blank on, in thousandths of the size (Adobe core 14 metrics).
const REGULAR: [u16; 95] = [
    278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556, 556, 556, 556, 556,
    556, 556, 556, 278, 278, 584, 584, 584, 556, 1015, 667, 667, 722, 722, 667, 611, 778, 722, 278, 500, 667, 556, 833,
    722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469, 556, 333, 556, 556, 500, 556,
    556, 278, 556, 556, 222, 222, 500, 222, 833, 556, 556, 556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334,
    260, 334, 584,
];
const BOLD: [u16; 95] = [
    278, 333, 474, 556, 556, 889, 722, 238, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556, 556, 556, 556, 556,
    556, 556, 556, 333, 333, 584, 584, 584, 611, 975, 722, 722, 722, 722, 667, 611, 778, 722, 278, 556, 722, 611, 833,
    722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 333, 278, 333, 584, 556, 333, 556, 611, 556, 611,
    556, 333, 611, 611, 278, 278, 556, 278, 889, 611, 611, 611, 611, 389, 556, 333, 611, 556, 778, 556, 556, 500, 389,
    280, 389, 584,
];

fn advance(face: Face, byte: u8) -> u16 {
    let ascii = |byte: u8| {
        let table = if face == Face::Bold { &BOLD } else { &REGULAR };
        table.get(usize::from(byte).wrapping_sub(32)).copied().unwrap_or(556)
    };
    // An accent does not widen a letter.
    match byte {
        32..=126 => ascii(byte),
        0x85 | 0x8c | 0x97 | 0xc6 => 1000,
        0x9c | 0xe6 => {
            if byte == 0x9c {
                944
            } else {
                889
            }
        }
        0x91 | 0x92 => {
            if face == Face::Bold {
                278
            } else {
                222
            }
        }
        0x93 | 0x94 => {
            if face == Face::Bold {
                500
            } else {
                333
            }
        }
        0x95 => 350,
        0xa0 | 0xb7 => 278,
        0xb0 => 400,
        0xc0..=0xc5 => ascii(b'A'),
        0xc7 => ascii(b'C'),
        0xc8..=0xcb => ascii(b'E'),
        0xcc..=0xcf => ascii(b'I'),
        0xd1 => ascii(b'N'),
        0xd2..=0xd6 | 0xd8 => ascii(b'O'),
        0xd9..=0xdc => ascii(b'U'),
        0xdd => ascii(b'Y'),
        0xe0..=0xe5 => ascii(b'a'),
        0xe7 => ascii(b'c'),
        0xe8..=0xeb => ascii(b'e'),
        0xec..=0xef => 278,
        0xf1 => ascii(b'n'),
        0xf2..=0xf6 => ascii(b'o'),
        0xf9..=0xfc => ascii(b'u'),
        0xfd | 0xff => ascii(b'y'),
        _ => 556,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn french_letters_are_encoded_and_measured() {
        assert_eq!(
            win_ansi("Œuvre à l’été – 5 €…"),
            b"\x8cuvre \xe0 l\x92\xe9t\xe9 \x96 5 \x80\x85"
        );
        assert_eq!(win_ansi("日"), b"?");
        assert!((width(Face::Regular, 10.0, "été") - width(Face::Regular, 10.0, "ete")).abs() < 1e-6);
        assert!((width(Face::Regular, 1000.0, "Hi") - 944.0).abs() < 1e-3);
    }

    #[test]
    fn text_is_cut_and_wrapped_to_its_room() {
        assert_eq!(fitted(Face::Regular, 10.0, "court", 100.0), "court");
        let cut = fitted(Face::Regular, 10.0, "un texte beaucoup trop long pour la place", 60.0);
        assert!(cut.ends_with('…') && width(Face::Regular, 10.0, &cut) <= 60.0, "{cut}");
        let lines = wrapped(Face::Regular, 10.0, "un deux trois quatre cinq\n\nsix", 50.0);
        assert!(
            lines.len() > 3 && lines.iter().all(|line| width(Face::Regular, 10.0, line) <= 50.0),
            "{lines:?}"
        );
        assert_eq!(fitted(Face::Regular, 10.0, "x", 0.0), "…");
    }
}
