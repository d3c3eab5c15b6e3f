use std::ffi::OsString;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use figment::providers::{Format, Toml};
use figment::value::{Dict, Map, Value};
use figment::{Error, Metadata, Profile, Provider};

use super::keys::{self, KEYS};
use super::otlp::is_in_millis;
use super::{CONFIG_VARIABLE, Flaw, Key, Preset, Problem, VARIABLE_PREFIX};

/// How a layer's settings are called where they were written: a function of the setting's path.
type Spelling = Arc<dyn Fn(&str) -> String + Send + Sync>;

/// The settings of one origin: the defaults, a file, the environment, the command line.
#[derive(Clone)]
pub(super) struct Layer {
    name: &'static str,
    values: Dict,
    spelling: Spelling,
}

impl Layer {
    /// What holds without a word.
    pub(super) fn defaults() -> Self {
        let mut layer = Self::empty("default", |_| "default".to_owned());
        for key in KEYS {
            if let Preset::Is(text) = key.default {
                layer.set(key.path, text.into());
            }
        }
        layer
    }

    /// A settings file. One that was not named may be missing.
    pub(super) fn file(path: &Path, named: bool) -> Result<Self, Problem> {
        let shown = path.display().to_string();
        let problem = |flaw| Problem { place: shown.clone(), flaw };
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound && !named => String::new(),
            Err(source) => return Err(problem(Flaw::File { path: PathBuf::from(path), source })),
        };
        let values = Toml::from_str::<Dict>(&text).map_err(|error| {
            let before = error.span().map_or(0, |span| span.start);
            let line = text.bytes().take(before).filter(|byte| *byte == b'\n').count() + 1;
            problem(Flaw::Toml { line, message: error.message().to_owned() })
        })?;
        let spelling = shown.clone();
        Ok(Self { values, ..Self::empty("file", move |path| format!("{spelling}: {path}")) })
    }

    /// The variables that the origin ingester had and those of OpenTelemetry, with what they mean.
    pub(super) fn origin(environment: &[(OsString, OsString)]) -> (Self, Vec<Problem>) {
        let spelling = |path: &str| {
            let key = KEYS.iter().find(|key| key.path == path);
            key.and_then(|key| key.origin).unwrap_or_default().to_owned()
        };
        let mut layer = Self::empty("origin", spelling);
        let mut problems = Vec::new();
        for (name, value) in environment {
            let Some(name) = name.to_str() else { continue };
            let Some(key) = KEYS.iter().find(|key| key.origin == Some(name)) else { continue };
            match value.to_str().map(|value| meant(key, value.trim())) {
                Some(Ok(value)) if value.is_empty() => {}
                Some(Ok(value)) => layer.set(key.path, value.into()),
                Some(Err(flaw)) => problems.push(Problem { place: name.to_owned(), flaw }),
                None => problems.push(Problem { place: name.to_owned(), flaw: Flaw::NotText }),
            }
        }
        (layer, problems)
    }

    /// The variables with our prefix. An empty one counts as not set, as compose files write it.
    pub(super) fn environment(environment: &[(OsString, OsString)]) -> (Self, Vec<Problem>) {
        let spelling =
            |path: &str| format!("{VARIABLE_PREFIX}{}", path.replace('.', "__").to_ascii_uppercase());
        let mut layer = Self::empty("environment", spelling);
        let mut problems = Vec::new();
        for (name, value) in environment {
            let Some(name) = name.to_str() else { continue };
            let Some(key) = name.strip_prefix(VARIABLE_PREFIX) else { continue };
            if name == CONFIG_VARIABLE {
                continue;
            }
            match value.to_str() {
                Some(value) if value.trim().is_empty() => {}
                Some(value) => layer.set(&key.to_ascii_lowercase().replace("__", "."), value.into()),
                None => problems.push(Problem { place: name.to_owned(), flaw: Flaw::NotText }),
            }
        }
        (layer, problems)
    }

    /// Flags, by the path of their setting.
    pub(super) fn flags<'f>(flags: impl IntoIterator<Item = (&'f str, &'f str)>) -> Self {
        let mut layer =
            Self::empty("command line", |path: &str| format!("--{}", path.replace(['.', '_'], "-")));
        for (path, text) in flags {
            layer.set(path, text.into());
        }
        layer
    }

    fn empty(name: &'static str, spelling: impl Fn(&str) -> String + Send + Sync + 'static) -> Self {
        Self { name, values: Dict::new(), spelling: Arc::new(spelling) }
    }

    /// Sets a value below the tables that its path names. A table takes the place of a plain value.
    fn set(&mut self, path: &str, value: Value) {
        let nested = figment::util::nest(path, value);
        if let Value::Dict(_, nested) = nested {
            merge(&mut self.values, nested);
        }
    }
}

impl Provider for Layer {
    fn metadata(&self) -> Metadata {
        let spelling = Arc::clone(&self.spelling);
        Metadata::named(self.name).interpolater(move |_, path| spelling(&path.join(".")))
    }

    fn data(&self) -> Result<Map<Profile, Dict>, Error> {
        Ok(Profile::Default.collect(self.values.clone()))
    }
}

fn merge(into: &mut Dict, from: Dict) {
    for (name, value) in from {
        match (into.get_mut(&name), value) {
            (Some(Value::Dict(_, inner)), Value::Dict(_, more)) => merge(inner, more),
            (_, value) => {
                into.insert(name, value);
            }
        }
    }
}

/// What the origin's variable says, in our own words.
fn meant(key: &Key, value: &str) -> Result<String, Flaw> {
    let all_digits = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
    if (key.path == keys::BATCH_LINGER.path || is_in_millis(key)) && all_digits {
        return Ok(format!("{value}ms"));
    }
    if key.path == keys::ADMIN_LISTEN.path && !value.is_empty() {
        let port = value.parse::<u16>().ok().filter(|port| *port > 0);
        let port = port.ok_or_else(|| Flaw::Port { found: super::written::quoted(value) })?;
        return Ok(format!("0.0.0.0:{port}"));
    }
    Ok(value.to_owned())
}
