use std::fmt;

use super::config::Found;
use super::otlp::masked_headers;
use super::{Key, keys, written};

/// What stands in the place of a password.
const MASK: &str = "***";

/// The settings that hold, each with where it was written: what `--check` shows. Passwords are masked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Effective {
    settings: Vec<Setting>,
}

/// One setting as it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// Its key in the file.
    pub path: &'static str,
    /// Its value; `None` where there is none.
    pub value: Option<String>,
    /// The file and key, variable or flag; `default` where nothing was written.
    pub place: String,
}

impl Effective {
    /// All settings, in the order of the documentation.
    #[must_use]
    pub fn settings(&self) -> &[Setting] {
        &self.settings
    }

    pub(super) fn note(&mut self, setting: Setting) {
        self.settings.push(setting);
    }

    /// Says what follows from other settings in place of nothing.
    pub(super) fn replace(&mut self, key: &Key, value: String) {
        if let Some(setting) = self.settings.iter_mut().find(|setting| setting.path == key.path) {
            setting.value.get_or_insert(value);
        }
    }

    /// Puts the settings in the order in which they are documented.
    pub(super) fn in_order(mut self) -> Self {
        let rank = |setting: &Setting| super::KEYS.iter().position(|key| key.path == setting.path);
        self.settings.sort_by_key(rank);
        self
    }
}

impl Setting {
    pub(super) fn of(key: &Key, found: Option<&Found>) -> Self {
        let shown = |found: &Found| {
            let text = written::shown(&found.value);
            match key.path {
                path if path == keys::OTLP_HEADERS.path => masked_headers(&text),
                _ if key.is_secret() => masked(&text),
                _ => text,
            }
        };
        Self {
            path: key.path,
            value: found.map(shown),
            place: found.map_or_else(|| "default".to_owned(), |found| found.place.clone()),
        }
    }
}

impl fmt::Display for Effective {
    /// One setting a line, aligned: `batch.entries = 500  (STANDPIPE_BATCH__ENTRIES)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.settings.iter().map(|setting| setting.path.len()).max().unwrap_or(0);
        for Setting { path, value, place } in &self.settings {
            let value = value.as_deref().unwrap_or("(none)");
            writeln!(f, "{path:width$} = {value}  ({place})")?;
        }
        Ok(())
    }
}

/// A URL with what stands between its first `:` and last `@` masked. What has an `@` and no shape of a URL is masked
/// whole.
fn masked(url: &str) -> String {
    let Some((before, host)) = url.rsplit_once('@') else { return url.to_owned() };
    let Some((scheme, credentials)) = before.split_once("://") else { return MASK.to_owned() };
    match credentials.split_once(':') {
        Some((user, _)) => format!("{scheme}://{user}:{MASK}@{host}"),
        None => format!("{scheme}://{credentials}@{host}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn i12_a_url_is_shown_without_its_password() {
        for (written, shown) in [
            ("redis://h:6379/0", "redis://h:6379/0"),
            ("redis://user@h", "redis://user@h"),
            ("redis://user:hunter2@h/3", "redis://user:***@h/3"),
            ("rediss://:hunter2@h", "rediss://:***@h"),
            ("redis://u:hun@ter2:x@h", "redis://u:***@h"),
            ("u:hunter2@h", "***"),
        ] {
            assert_eq!(masked(written), shown);
        }
    }
}
