use standpipe_incidents::inert;

/// Between two columns.
pub(super) const GAP: usize = 2;

#[derive(Clone, Copy)]
pub(crate) enum Align {
    Left,
    Right,
}

#[derive(Clone, Copy)]
pub(crate) enum Paint {
    None,
    Bold,
    Dim,
    Red,
    Green,
    Yellow,
    Cyan,
}

impl Paint {
    /// The parameter of SGR.
    fn code(self) -> Option<&'static str> {
        match self {
            Self::None => None,
            Self::Bold => Some("1"),
            Self::Dim => Some("2"),
            Self::Red => Some("31"),
            Self::Green => Some("32"),
            Self::Yellow => Some("33"),
            Self::Cyan => Some("36"),
        }
    }
}

/// A line of columns, as it grows. No text in it is obeyed by a terminal.
pub(crate) struct Line {
    text: String,
    has_color: bool,
    /// How many places are taken.
    used: usize,
    room: usize,
}

impl Line {
    /// One of any length.
    pub(super) fn new(has_color: bool) -> Self {
        Self::within(None, has_color)
    }

    /// One of at most so many places.
    pub(crate) fn within(room: Option<usize>, has_color: bool) -> Self {
        Self { text: String::new(), has_color, used: 0, room: room.unwrap_or(usize::MAX) }
    }

    /// The next column, of at least so many places. A text that finds no room is cut.
    pub(crate) fn add(&mut self, text: &str, width: usize, align: Align, paint: Paint) {
        if self.used > 0 {
            self.pad(GAP);
        }
        let text = cut(text, self.room - self.used);
        let len = places(&text);
        let padding = width.saturating_sub(len);
        let painted = match paint.code().filter(|_| self.has_color && !text.is_empty()) {
            Some(code) => format!("\x1b[{code}m{text}\x1b[0m"),
            None => text,
        };
        if matches!(align, Align::Right) {
            self.pad(padding.min(self.room - self.used - len));
        }
        self.text.push_str(&painted);
        self.used += len;
        if matches!(align, Align::Left) {
            self.pad(padding);
        }
    }

    fn pad(&mut self, places: usize) {
        let places = places.min(self.room - self.used);
        self.text.push_str(&" ".repeat(places));
        self.used += places;
    }

    /// The whole line, without the padding at its end.
    pub(crate) fn finish(mut self) -> String {
        self.text.truncate(self.text.trim_end().len());
        self.text
    }
}

/// The beginning, with two dots where more was there, and nothing in it that a terminal would obey.
pub(super) fn cut(text: &str, width: usize) -> String {
    let dots = "..".get(..width.min(2)).unwrap_or_default();
    let (mut shown, mut used, mut before_dots) = (String::new(), 0, 0);
    for char in text.chars().map(inert) {
        used += places_of(char);
        if used > width {
            shown.truncate(before_dots);
            return shown + dots;
        }
        shown.push(char);
        if used + dots.len() <= width {
            before_dots = shown.len();
        }
    }
    shown
}

fn places(text: &str) -> usize {
    text.chars().map(places_of).sum()
}

/// How many places a character takes at most.
fn places_of(char: char) -> usize {
    if char.is_ascii() { 1 } else { 2 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_long_ends_in_dots() {
        for (width, shown) in [(9, "localhost"), (8, "localh.."), (3, "l.."), (2, ".."), (1, "."), (0, "")] {
            assert_eq!(cut("localhost", width), shown);
        }
    }

    #[test]
    fn color_takes_no_place() {
        for (color, shown) in [(false, "a      b   c"), (true, "a      \x1b[1mb\x1b[0m   \x1b[2mc\x1b[0m")] {
            let mut line = Line::new(color);
            line.add("a", 3, Align::Left, Paint::None);
            line.add("b", 3, Align::Right, Paint::Bold);
            line.add("c", 2, Align::Right, Paint::Dim);
            line.add("", 4, Align::Left, Paint::Green);
            assert_eq!(line.finish(), shown);
        }
    }

    #[test]
    fn a_line_is_no_longer_than_its_room_however_wide_its_characters_are() {
        for room in 0..40 {
            let mut line = Line::within(Some(room), false);
            line.add("7", 4, Align::Right, Paint::None);
            line.add("füllt sich \u{1f692}", 0, Align::Left, Paint::None);
            line.add("and more", 12, Align::Right, Paint::None);
            let line = line.finish();
            assert!(places(&line) <= room, "{room}: {line:?}");
        }
        let mut line = Line::within(Some(12), false);
        line.add("hydrant", 10, Align::Left, Paint::None);
        line.add("red", 0, Align::Left, Paint::None);
        assert_eq!(line.finish(), "hydrant");
    }

    #[test]
    fn nothing_in_a_text_is_obeyed() {
        let mut line = Line::new(false);
        line.add("a\x1b[2J\n\u{9b}2J\u{202e}b\u{200b}", 0, Align::Left, Paint::None);
        assert_eq!(line.finish(), "a\u{fffd}[2J\u{fffd}\u{fffd}2J\u{fffd}b\u{fffd}");
    }
}
