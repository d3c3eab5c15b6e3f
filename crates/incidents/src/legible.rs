//! What hosts have sent, as it may stand on a terminal.

/// The most characters of a cause that are shown; the JSON lines have all of it.
const CAUSE: usize = 600;

/// Lines of at most so many characters, in which no terminal is told anything.
pub(crate) fn broken(text: &str, room: usize) -> Vec<String> {
    let count = text.chars().count();
    let shown = text.chars().take(CAUSE).map(|char| if char.is_whitespace() { ' ' } else { inert(char) });
    let mut shown: String = shown.collect();
    if count > CAUSE {
        shown.push_str(" …");
    }
    let mut lines = vec![String::new()];
    let mut len = 0;
    for word in shown.split_whitespace() {
        let chars: Vec<char> = word.chars().collect();
        for (place, piece) in chars.chunks(room).enumerate() {
            let gap = usize::from(len > 0 && place == 0);
            if len + gap + piece.len() > room {
                lines.push(String::new());
                len = 0;
            }
            if let Some(line) = lines.last_mut() {
                if len > 0 && gap == 1 {
                    line.push(' ');
                    len += 1;
                }
                line.extend(piece);
                len += piece.len();
            }
        }
    }
    lines
}

/// A mark in place of what a terminal would obey, or of what would change how the text beside it reads: control
/// characters, directions of writing, and what has no width.
#[must_use]
pub fn inert(char: char) -> char {
    match char {
        '\u{ad}'
        | '\u{61c}'
        | '\u{115f}'
        | '\u{1160}'
        | '\u{180e}'
        | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{3164}'
        | '\u{feff}'
        | '\u{fff9}'..='\u{fffb}' => char::REPLACEMENT_CHARACTER,
        control if control.is_control() => char::REPLACEMENT_CHARACTER,
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_broken_at_spaces_and_obeyed_by_no_terminal() {
        assert_eq!(broken("a bc def", 4), ["a bc", "def"]);
        assert_eq!(broken("abcdefghij k", 4), ["abcd", "efgh", "ij k"]);
        assert_eq!(broken("a\u{1b}[31mb\nc", 80), ["a\u{fffd}[31mb c"]);
        // What would turn the rest of the line around.
        assert_eq!(broken("a\u{202e}b\u{feff}", 80), ["a\u{fffd}b\u{fffd}"]);
        assert_eq!(broken("", 4), [""]);
    }
}
