use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;

use clap::{Arg, ArgAction, ArgMatches};

use super::Preset;
use super::keys::KEYS;

/// What a daemon was told on its command line.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct CommandLine {
    /// What to do.
    pub task: Task,
    /// The settings file that was named.
    pub config: Option<PathBuf>,
    /// Settings, by their path.
    pub flags: Vec<(&'static str, String)>,
}

/// What a daemon is asked to do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Task {
    /// Its work.
    #[default]
    Run,
    /// To look at its settings and show them.
    Check,
    /// To ask the daemon that runs with these settings whether it is ready.
    Healthcheck,
}

impl CommandLine {
    /// Understands the arguments, the first of which is the program's own name.
    ///
    /// # Errors
    ///
    /// Clap's word, which is also how help and version come: [`clap::Error::use_stderr`] tells them apart.
    pub fn parse(
        name: &'static str,
        about: &'static str,
        arguments: impl IntoIterator<Item = OsString>,
    ) -> Result<Self, clap::Error> {
        let matches = command(name, about).try_get_matches_from(arguments)?;
        Ok(Self::of(&matches))
    }

    fn of(matches: &ArgMatches) -> Self {
        let task = if matches.subcommand_matches("healthcheck").is_some() {
            Task::Healthcheck
        } else if matches.get_flag("check") {
            Task::Check
        } else {
            Task::Run
        };
        let text = |key: &super::Key| matches.get_one::<String>(key.path).cloned();
        let flags = KEYS.iter().filter_map(|key| Some((key.path, text(key)?))).collect();
        Self { task, config: matches.get_one::<PathBuf>("config").cloned(), flags }
    }
}

impl fmt::Debug for CommandLine {
    /// Shows no flag's value, since one may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let flags: Vec<_> = self.flags.iter().map(|(path, _)| path).collect();
        f.debug_struct("CommandLine")
            .field("task", &self.task)
            .field("config", &self.config)
            .field("flags", &flags)
            .finish()
    }
}

fn command(name: &'static str, about: &'static str) -> clap::Command {
    let config = Arg::new("config")
        .long("config")
        .value_name("FILE")
        .value_parser(clap::value_parser!(PathBuf))
        .global(true)
        .help("The settings file [default: standpipe.toml, where there is one]");
    let check = Arg::new("check")
        .long("check")
        .action(ArgAction::SetTrue)
        .help("Check the settings, show what holds and where it was written, and leave");
    let settings = KEYS
        .iter()
        .map(|key| Arg::new(key.path).long(key.flag()).value_name(key.takes).global(true).help(help(key)));
    clap::Command::new(name)
        .about(about)
        .version(env!("CARGO_PKG_VERSION"))
        .disable_help_subcommand(true)
        .arg(config)
        .arg(check)
        .args(settings)
        .subcommand(
            clap::Command::new("healthcheck")
                .about("Ask the daemon that runs with these settings whether it is ready"),
        )
}

fn help(key: &super::Key) -> String {
    let meaning = key.meaning.replace('`', "");
    let default = match key.default {
        Preset::Is(text) => format!(" [default: {text}]"),
        Preset::Follows(text) => format!(" [default: {}]", text.replace('`', "")),
        Preset::Absent => String::new(),
    };
    format!("{meaning}{default} [env: {}]", key.variable())
}
