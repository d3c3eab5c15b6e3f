use std::env;
use std::io::{self, IsTerminal};

use rustix::termios::tcgetwinsize;

/// What is taken for the width of a terminal that does not tell.
const USUAL_COLUMNS: u16 = 80;

/// Who reads standard output. The same rules as those of the daemons' commands.
#[derive(Clone, Copy)]
pub(super) struct Audience {
    pub(super) form: Form,
    pub(super) is_terminal: bool,
    pub(super) has_color: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Text,
    Json,
}

impl Audience {
    pub(super) fn find(asked: Option<Form>) -> Self {
        let variable = |name| env::var_os(name).filter(|value| !value.is_empty());
        let is_able = variable("TERM").is_some_and(|kind| kind != "dumb");
        Self::of(asked, io::stdout().is_terminal(), is_able && variable("NO_COLOR").is_none())
    }

    fn of(asked: Option<Form>, is_terminal: bool, may_have_color: bool) -> Self {
        let form = asked.unwrap_or(if is_terminal { Form::Text } else { Form::Json });
        Self { form, is_terminal, has_color: is_terminal && may_have_color && form == Form::Text }
    }

    /// How long a line may be that is written over by the next; `None` where each stays.
    pub(super) fn columns(self) -> Option<usize> {
        let is_watching = self.is_terminal && self.form == Form::Text;
        let told = || tcgetwinsize(io::stdout()).ok().map(|size| size.ws_col).filter(|columns| *columns > 0);
        is_watching.then(|| told().unwrap_or(USUAL_COLUMNS).into())
    }

    pub(super) fn bold(self, text: &str) -> String {
        if self.has_color { format!("\x1b[1m{text}\x1b[0m") } else { text.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_get_text_and_programs_json_unless_one_of_them_is_asked_for() {
        for (asked, is_terminal, form, has_color) in [
            (None, true, Form::Text, true),
            (None, false, Form::Json, false),
            (Some(Form::Json), true, Form::Json, false),
            (Some(Form::Text), false, Form::Text, false),
        ] {
            let audience = Audience::of(asked, is_terminal, true);
            assert_eq!((audience.form, audience.has_color), (form, has_color), "{asked:?} {is_terminal}");
            assert!(!Audience::of(asked, is_terminal, false).has_color);
        }
    }
}
