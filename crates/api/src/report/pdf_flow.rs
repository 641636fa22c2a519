//! Writing down a page from the top: where the next line stands, a new page when there is no room, and what every
//! document begins with.

use super::pdf_page::{BLACK, BLUE, Face, GREY, HEIGHT, Ink, MARGIN, Paper, WIDTH, wrapped};

/// Height of a line, in points.
pub(super) const ROW: f32 = 14.0;
/// Width between the borders, in points.
pub(super) const ROOM: f32 = WIDTH - 2.0 * MARGIN;
/// Below this there is only the foot of the page.
const BOTTOM: f32 = HEIGHT - 56.0;

/// Paper with the place of the next line.
pub(super) struct Flow {
    pub(super) paper: Paper,
    /// From the top of the page, in points.
    pub(super) y: f32,
}

impl Flow {
    pub(super) fn new() -> Flow {
        Flow {
            paper: Paper::new(),
            y: MARGIN,
        }
    }

    /// Begins a page when less than `height` is left; whether it did.
    pub(super) fn need(&mut self, height: f32) -> bool {
        let full = self.y + height > BOTTOM;
        if full {
            self.paper.next_page();
            self.y = MARGIN;
        }
        full
    }

    /// Text on the present line.
    pub(super) fn put(&mut self, x: f32, face: Face, size: f32, ink: Ink, text: &str) {
        self.paper.text(x, self.y, face, size, ink, text);
    }

    /// Text on the present line that ends at `x`.
    pub(super) fn put_to(&mut self, x: f32, face: Face, size: f32, ink: Ink, text: &str) {
        self.paper.text_to(x, self.y, face, size, ink, text);
    }

    /// The head of the first page: who writes, what it is called, and a line below.
    pub(super) fn head(&mut self, organisation: &str, title: &str, below: &str) {
        self.paper.fill(0.0, 0.0, WIDTH, 6.0, BLUE);
        self.y += 4.0;
        self.put(MARGIN, Face::Regular, 10.0, GREY, organisation);
        self.y += 24.0;
        for line in wrapped(Face::Bold, 20.0, title, ROOM) {
            self.put(MARGIN, Face::Bold, 20.0, BLUE, &line);
            self.y += 24.0;
        }
        self.put(MARGIN, Face::Regular, 12.0, BLACK, below);
        self.y += 24.0;
    }

    /// The title of a section, underlined, with `height` below it on the same page.
    pub(super) fn title(&mut self, text: &str, height: f32) {
        self.need(height);
        self.y += 12.0;
        self.put(MARGIN, Face::Bold, 13.0, BLUE, text);
        self.y += 8.0;
        self.paper
            .line(&[(MARGIN, self.y), (WIDTH - MARGIN, self.y)], 0.8, BLUE);
        self.y += 14.0;
    }
}
