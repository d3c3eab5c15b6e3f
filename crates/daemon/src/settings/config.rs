use std::ffi::OsString;
use std::fmt;
use std::path::Path;

use figment::value::{Dict, Value};
use figment::{Figment, Profile};

use super::keys::KEYS;
use super::layer::Layer;
use super::{CONFIG_VARIABLE, CommandLine, DEFAULT_FILE, Flaw, Key, Problem};

/// What was written, everywhere, with the later word over the earlier: defaults, file, the origin's variables, ours,
/// flags. Nothing is understood yet but the names.
pub struct Config {
    figment: Figment,
    problems: Vec<Problem>,
}

/// Where a value was found: how its setting is spelled there.
pub(super) struct Found {
    pub(super) value: Value,
    pub(super) place: String,
}

impl Config {
    /// Gathers what was written. `folder` is where `standpipe.toml` may lie when no file is named.
    ///
    /// A file that cannot be read is a problem like others, told with them by [`Plan::read`](super::Plan::read).
    #[must_use]
    pub fn gather(command_line: &CommandLine, environment: &[(OsString, OsString)], folder: &Path) -> Self {
        let mut problems = Vec::new();
        let variable = environment.iter().find(|(name, value)| name == CONFIG_VARIABLE && !value.is_empty());
        let named = command_line.config.clone().or_else(|| variable.map(|(_, path)| path.into()));
        let is_named = named.is_some();
        let file = Layer::file(&named.unwrap_or_else(|| folder.join(DEFAULT_FILE)), is_named);
        let (origin, flawed) = Layer::origin(environment);
        problems.extend(flawed);
        let (ours, flawed) = Layer::environment(environment);
        problems.extend(flawed);

        let mut figment = Figment::from(Layer::defaults());
        match file {
            Ok(file) => figment = figment.merge(file),
            Err(problem) => problems.insert(0, problem),
        }
        let flags = command_line.flags.iter().map(|(path, text)| (*path, text.as_str()));
        figment = figment.merge(origin).merge(ours).merge(Layer::flags(flags));
        let mut config = Self { figment, problems };
        config.find_unknown();
        config
    }

    pub(super) fn into_problems(self) -> Vec<Problem> {
        self.problems
    }

    /// What was written for a setting, or `None` when nothing was.
    pub(super) fn find(&self, key: &Key) -> Option<Found> {
        let value = self.figment.find_value(key.path).ok()?;
        let place = self.place(&value, key.path);
        Some(Found { value, place })
    }

    fn place(&self, value: &Value, path: &str) -> String {
        let metadata = self.figment.get_metadata(tag(value));
        let path: Vec<_> = path.split('.').collect();
        metadata.map_or_else(String::new, |metadata| metadata.interpolate(&Profile::Default, &path))
    }

    fn find_unknown(&mut self) {
        let all = self.figment.find_value("").ok().and_then(Value::into_dict).unwrap_or_default();
        let mut strays = Vec::new();
        collect_strays(&all, "", &mut strays);
        for (path, value, flaw) in strays {
            let place = self.place(&value, &path);
            self.problems.push(Problem { place, flaw });
        }
    }
}

impl fmt::Debug for Config {
    /// Shows no value, since one may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config").field("problems", &self.problems).finish_non_exhaustive()
    }
}

/// A table has no place of its own: it is the place of anything in it.
fn tag(value: &Value) -> figment::value::Tag {
    match value {
        Value::Dict(_, inner) => inner.values().next().map_or_else(|| value.tag(), tag),
        Value::String(..)
        | Value::Char(..)
        | Value::Bool(..)
        | Value::Num(..)
        | Value::Empty(..)
        | Value::Array(..) => value.tag(),
    }
}

fn collect_strays(dict: &Dict, above: &str, strays: &mut Vec<(String, Value, Flaw)>) {
    for (name, value) in dict {
        let path = if above.is_empty() { name.clone() } else { format!("{above}.{name}") };
        let is_key = KEYS.iter().any(|key| key.path == path);
        let is_table =
            KEYS.iter().any(|key| key.path.split_once('.').is_some_and(|(table, _)| table == path));
        if is_key {
            continue;
        }
        match value.as_dict() {
            Some(inner) => collect_strays(inner, &path, strays),
            None if is_table => {
                strays.push((path, value.clone(), Flaw::Shape { expected: "a table of settings" }));
            }
            None => strays.push((path, value.clone(), Flaw::Unknown)),
        }
    }
}
