use clap::{Arg, ArgAction, ArgMatches, Command};
use standpipe_cursor::Seq;

use crate::settings::hosts::labeler;
use crate::{CursorCommand, CursorTask, Labeler};

/// The command that shows and changes the cursor of a host.
pub(super) fn command() -> Command {
    let host = || {
        Arg::new("host")
            .long("host")
            .value_name("HOST")
            .required(true)
            .value_parser(|text: &str| labeler(text))
            .help("Whose cursor, written as in the settings")
    };
    let mark = || {
        Arg::new("mark")
            .long("mark")
            .value_name("MARK")
            .value_parser(parse_mark)
            .help("What is stored beside the cursor instead: gaps, new or again, of backfill")
    };
    let force = || {
        Arg::new("force")
            .long("force")
            .action(ArgAction::SetTrue)
            .help("Do it although a daemon seems to write")
    };
    let seq = Arg::new("seq")
        .long("seq")
        .value_name("SEQ")
        .required(true)
        .value_parser(parse_seq)
        .help("The last seq that counts as read; the host goes on with the event after it");
    Command::new("cursor")
        .about("Show, set or clear the stored cursor of one host, in the sink of these settings")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(Command::new("show").about("Show it").args([host(), mark()]))
        .subcommand(Command::new("set").about("Set it").args([host(), seq, force()]))
        .subcommand(
            Command::new("clear")
                .about("Remove it, so that the host is begun as one that was never read")
                .args([host(), mark(), force()]),
        )
}

pub(super) fn command_of(matches: &ArgMatches) -> Option<CursorCommand> {
    let (task, matches) = match matches.subcommand()? {
        ("show", matches) => (CursorTask::Show, matches),
        ("set", matches) => (CursorTask::Set(*matches.get_one::<Seq>("seq")?), matches),
        (_, matches) => (CursorTask::Clear, matches),
    };
    let force = task != CursorTask::Show && matches.get_flag("force");
    let mark = matches.try_get_one::<String>("mark").ok().flatten().cloned();
    Some(CursorCommand { task, host: matches.get_one::<Labeler>("host")?.clone(), mark, force })
}

/// A mark of a collection's list has the collection before it.
fn parse_mark(text: &str) -> Result<String, &'static str> {
    let is_word = |char: char| char.is_ascii_alphanumeric() || matches!(char, '.' | '-' | '!');
    let is_mark = !text.is_empty() && text.chars().all(is_word);
    is_mark.then(|| text.to_owned()).ok_or("write gaps, new or again, behind COLLECTION! for the list of one")
}

fn parse_seq(text: &str) -> Result<Seq, &'static str> {
    let seq = text.parse().ok().and_then(Seq::new);
    seq.ok_or("write a number from 1 to 9007199254740991")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(arguments: &[&str]) -> Option<CursorCommand> {
        let words = ["cursor"].iter().chain(arguments);
        command_of(&command().try_get_matches_from(words).ok()?)
    }

    #[test]
    fn a_mark_beside_the_cursor_is_shown_and_cleared_and_never_set() {
        let mark = |arguments: &[&str]| asked(arguments).map(|command| command.mark);
        let host = ["--host", "relay.test"];
        assert_eq!(mark(&["show", host[0], host[1]]), Some(None));
        for mark_of in ["gaps", "app.bsky.feed.post!gaps"] {
            for task in ["show", "clear"] {
                let said = mark(&[task, host[0], host[1], "--mark", mark_of]);
                assert_eq!(said, Some(Some(mark_of.to_owned())));
            }
        }
        assert_eq!(mark(&["set", host[0], host[1], "--seq", "5"]), Some(None));
        assert_eq!(mark(&["set", host[0], host[1], "--seq", "5", "--mark", "gaps"]), None);
        for none in ["", "no mark", "a:b"] {
            assert_eq!(mark(&["show", host[0], host[1], "--mark", none]), None, "{none:?}");
        }
    }
}
