use clap::{Arg, ArgAction, ArgMatches, Command};
use jiff::{SignedDuration, Timestamp};
use standpipe_incidents::Selection;

use super::form;
use crate::Incidents;

/// The command that tells what happened.
pub(super) fn command() -> Command {
    let last = Arg::new("last")
        .long("last")
        .action(ArgAction::SetTrue)
        .help("The last run, which may still be running [default]");
    let runs = Arg::new("runs")
        .long("runs")
        .value_name("N")
        .value_parser(clap::value_parser!(u64).range(1..))
        .conflicts_with("last")
        .help("The last N runs");
    let moment = |name: &'static str| Arg::new(name).long(name).value_name("TIME").value_parser(parse_moment);
    let since = moment("since")
        .conflicts_with_all(["last", "runs"])
        .help("What happened since then, in any run: 2026-03-01T06:57:00Z, or 2h for two hours ago");
    let until = moment("until").requires("since").help("And not after this, written likewise");
    Command::new("incidents")
        .about("Tell what happened: which ended first, how, where, after which message, how often since")
        .args([last, runs, since, until])
        .args(form::arguments(
            "Text for people [default on a terminal]",
            "The answers as one JSON object, then every record as it stands in the log, one a line [default elsewhere]",
        ))
}

pub(super) fn asked_by(matches: &ArgMatches) -> Incidents {
    let moment = |name| matches.get_one::<Timestamp>(name).copied();
    let runs = matches.get_one::<u64>("runs").copied();
    let selection = moment("since").map_or(Selection::Last { runs: runs.unwrap_or(1) }, |since| {
        Selection::Between { since, until: moment("until") }
    });
    Incidents { selection, form: form::asked_by(matches) }
}

fn parse_moment(text: &str) -> Result<Timestamp, &'static str> {
    const WRONG: &str = "write a time like 2026-03-01T06:57:00Z, or how long ago, like 2h or 30m";
    if let Ok(moment) = text.parse() {
        return Ok(moment);
    }
    let ago = humantime::parse_duration(text).ok().and_then(|ago| SignedDuration::try_from(ago).ok());
    ago.and_then(|ago| Timestamp::now().checked_sub(ago).ok()).ok_or(WRONG)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Form;

    fn asked(arguments: &[&str]) -> Result<Incidents, clap::Error> {
        let matches = command().try_get_matches_from([&["incidents"], arguments].concat())?;
        Ok(asked_by(&matches))
    }

    #[test]
    fn runs_or_a_time_are_asked_for_and_the_last_run_without_a_word() {
        let last = |runs| Selection::Last { runs };
        for (arguments, selection) in [
            (&[][..], last(1)),
            (&["--last"], last(1)),
            (&["--runs", "3"], last(3)),
            (
                &["--since", "2026-03-01T06:57:00Z", "--until", "2026-03-01T07:00:00+00:00"],
                Selection::Between {
                    since: "2026-03-01T06:57:00Z".parse().unwrap(),
                    until: Some("2026-03-01T07:00:00Z".parse().unwrap()),
                },
            ),
        ] {
            assert_eq!(asked(arguments).unwrap(), Incidents { selection, form: None }, "{arguments:?}");
        }
        let Selection::Between { since, until: None } =
            asked(&["--json", "--since", "2h"]).unwrap().selection
        else {
            panic!("a time was asked for")
        };
        let ago = Timestamp::now().duration_since(since);
        assert!((7_200..7_260).contains(&ago.as_secs()), "{ago:?}");
    }

    #[test]
    fn the_form_is_asked_for_or_left_open() {
        for (arguments, form) in
            [(&[][..], None), (&["--text"], Some(Form::Text)), (&["--json"], Some(Form::Json))]
        {
            assert_eq!(asked(arguments).unwrap().form, form, "{arguments:?}");
        }
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for arguments in [
            &["--runs", "0"][..],
            &["--since", "yesterday"],
            &["--until", "2h"],
            &["--last", "--runs", "2"],
            &["--since", "1h", "--runs", "2"],
            &["--text", "--json"],
        ] {
            assert!(asked(arguments).is_err(), "{arguments:?}");
        }
    }
}
