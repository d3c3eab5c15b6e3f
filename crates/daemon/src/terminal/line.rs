/// Between two columns.
pub(super) const GAP: usize = 2;

#[derive(Clone, Copy)]
pub(super) enum Align {
    Left,
    Right,
}

#[derive(Clone, Copy)]
pub(super) enum Paint {
    None,
    Bold,
    Dim,
    Green,
    Yellow,
}

impl Paint {
    /// The parameter of SGR.
    fn code(self) -> Option<&'static str> {
        match self {
            Self::None => None,
            Self::Bold => Some("1"),
            Self::Dim => Some("2"),
            Self::Green => Some("32"),
            Self::Yellow => Some("33"),
        }
    }
}

/// A line of columns, as it grows.
pub(super) struct Line {
    text: String,
    color: bool,
}

impl Line {
    pub(super) fn new(color: bool) -> Self {
        Self { text: String::new(), color }
    }

    /// The next column, of so many places.
    pub(super) fn add(&mut self, text: &str, width: usize, align: Align, paint: Paint) {
        if !self.text.is_empty() {
            self.text.push_str(&" ".repeat(GAP));
        }
        let padding = " ".repeat(width.saturating_sub(text.len()));
        let painted = match paint.code().filter(|_| self.color && !text.is_empty()) {
            Some(code) => format!("\x1b[{code}m{text}\x1b[0m"),
            None => text.to_owned(),
        };
        let [first, second] = match align {
            Align::Left => [painted, padding],
            Align::Right => [padding, painted],
        };
        self.text.push_str(&first);
        self.text.push_str(&second);
    }

    /// The whole line, without the padding at its end.
    pub(super) fn finish(mut self) -> String {
        self.text.truncate(self.text.trim_end().len());
        self.text
    }
}

/// The beginning, with two dots where more was there. The text is ASCII.
pub(super) fn cut(text: &str, width: usize) -> String {
    if text.len() <= width {
        return text.to_owned();
    }
    let dots = "..".get(..width.min(2)).unwrap_or_default();
    format!("{}{dots}", text.get(..width.saturating_sub(2)).unwrap_or_default())
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
}
