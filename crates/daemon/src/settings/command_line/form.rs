use clap::{Arg, ArgAction, ArgMatches};

use crate::Form;

/// The arguments by which a command is told the form of what it says.
pub(super) fn arguments(text: &'static str, json: &'static str) -> [Arg; 2] {
    let flag = |name: &'static str| Arg::new(name).long(name).action(ArgAction::SetTrue);
    [flag("text").conflicts_with("json").help(text), flag("json").help(json)]
}

pub(super) fn asked_by(matches: &ArgMatches) -> Option<Form> {
    [("text", Form::Text), ("json", Form::Json)]
        .into_iter()
        .find_map(|(name, form)| matches.get_flag(name).then_some(form))
}
