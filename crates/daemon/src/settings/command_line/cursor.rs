use clap::{Arg, ArgAction, ArgMatches, Command};
use standpipe_cursor::Seq;

use crate::settings::plan::labeler;
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
        .subcommand(Command::new("show").about("Show it").arg(host()))
        .subcommand(Command::new("set").about("Set it").args([host(), seq, force()]))
        .subcommand(
            Command::new("clear")
                .about("Remove it, so that the host is begun as one that was never read")
                .args([host(), force()]),
        )
}

pub(super) fn command_of(matches: &ArgMatches) -> Option<CursorCommand> {
    let (task, matches) = match matches.subcommand()? {
        ("show", matches) => (CursorTask::Show, matches),
        ("set", matches) => (CursorTask::Set(*matches.get_one::<Seq>("seq")?), matches),
        (_, matches) => (CursorTask::Clear, matches),
    };
    let force = task != CursorTask::Show && matches.get_flag("force");
    Some(CursorCommand { task, host: matches.get_one::<Labeler>("host")?.clone(), force })
}

fn parse_seq(text: &str) -> Result<Seq, &'static str> {
    let seq = text.parse().ok().and_then(Seq::new);
    seq.ok_or("write a number from 1 to 9007199254740991")
}
