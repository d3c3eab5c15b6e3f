use std::ffi::OsString;
use std::io::{self, ErrorKind, IsTerminal};

use super::screen::Screen;
use super::surface::Surface;

/// In which form a command says what it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Text, for people.
    Text,
    /// JSON, one object a line, for programs.
    Json,
}

/// Who reads what a command writes to standard output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Audience {
    form: Form,
    is_terminal: bool,
    has_color: bool,
}

impl Audience {
    /// Looks at standard output. The form is the one that was asked for, else it is text exactly where people read.
    pub(crate) fn find(asked: Option<Form>, environment: &[(OsString, OsString)]) -> Self {
        Self::of(asked, io::stdout().is_terminal(), environment)
    }

    fn of(asked: Option<Form>, is_terminal: bool, environment: &[(OsString, OsString)]) -> Self {
        let form = asked.unwrap_or(if is_terminal { Form::Text } else { Form::Json });
        let surface = Surface::of(is_terminal, environment);
        Self { form, is_terminal, has_color: surface.has_color && form == Form::Text }
    }

    pub(crate) fn form(self) -> Form {
        self.form
    }

    pub(crate) fn has_color(self) -> bool {
        self.has_color
    }

    /// Whether people look at text while it comes.
    pub(crate) fn is_watching(self) -> bool {
        self.is_terminal && self.form == Form::Text
    }

    /// Whether nobody reads any more: the other end of a pipe is closed, or the terminal has gone away.
    pub(crate) fn has_left(self, error: &io::Error) -> bool {
        error.kind() == ErrorKind::BrokenPipe || self.is_terminal
    }

    /// How long a line may be, where one that is longer would be broken.
    pub(crate) fn columns(self) -> Option<usize> {
        self.is_watching().then(|| Screen::columns().into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(asked: Option<Form>, is_terminal: bool, variables: &[(&str, &str)]) -> Audience {
        let variables: Vec<_> =
            variables.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        Audience::of(asked, is_terminal, &variables)
    }

    const XTERM: (&str, &str) = ("TERM", "xterm-256color");

    #[test]
    fn people_get_text_and_programs_json_unless_one_of_them_is_asked_for() {
        for (asked, is_terminal, form) in [
            (None, true, Form::Text),
            (None, false, Form::Json),
            (Some(Form::Json), true, Form::Json),
            (Some(Form::Text), false, Form::Text),
        ] {
            let audience = found(asked, is_terminal, &[XTERM]);
            assert_eq!(audience.form(), form, "{asked:?} {is_terminal}");
            let is_watching = is_terminal && form == Form::Text;
            assert_eq!(audience.is_watching(), is_watching, "{asked:?} {is_terminal}");
            assert_eq!(audience.columns().is_some(), is_watching, "{asked:?} {is_terminal}");
        }
    }

    #[test]
    fn only_text_on_a_terminal_that_may_have_color_has_it() {
        assert!(found(None, true, &[XTERM]).has_color());
        assert!(found(None, true, &[XTERM, ("NO_COLOR", "")]).has_color());
        for (asked, is_terminal, variables) in [
            (None, true, &[XTERM, ("NO_COLOR", "1")][..]),
            (None, true, &[("TERM", "dumb")]),
            (None, true, &[]),
            (Some(Form::Json), true, &[XTERM]),
            (Some(Form::Text), false, &[XTERM]),
            (None, false, &[XTERM]),
        ] {
            assert!(!found(asked, is_terminal, variables).has_color(), "{asked:?} {variables:?}");
        }
    }
}
