use figment::value::Value;

use super::config::Found;
use super::effective::{Effective, Setting};
use super::{Config, Flaw, Key, Preset, Problem, written};

/// Reads settings one after the other, and notes what is wrong and what holds.
///
/// A flawed setting reads as its default, so that reading goes on and every problem is found; what is made of it is
/// then thrown away.
pub(super) struct Reader<'c> {
    config: &'c Config,
    problems: Vec<(&'static str, Problem)>,
    effective: Effective,
}

impl<'c> Reader<'c> {
    pub(super) fn new(config: &'c Config) -> Self {
        Self { config, problems: Vec::new(), effective: Effective::default() }
    }

    /// A setting that always has a value.
    pub(super) fn read<T>(&mut self, key: &'static Key, parse: impl Fn(&Value) -> Result<T, Flaw>) -> T {
        if let Some(value) = self.read_optional(key, &parse) {
            return value;
        }
        let default = match key.default {
            Preset::Is(text) => text,
            Preset::Follows(_) | Preset::Absent => "",
        };
        #[expect(
            clippy::expect_used,
            reason = "only settings with a default are read so, and defaults are sound"
        )]
        parse(&default.into()).expect("a sound default")
    }

    /// A setting that follows from others where it is not written.
    pub(super) fn read_or<T>(
        &mut self,
        key: &'static Key,
        parse: impl Fn(&Value) -> Result<T, Flaw>,
        follows: T,
        show: impl Fn(&T) -> String,
    ) -> T {
        let value = self.read_optional(key, parse);
        value.unwrap_or_else(|| {
            self.follows(key, show(&follows));
            follows
        })
    }

    /// A setting that may be absent. Written as nothing, it is.
    pub(super) fn read_optional<T>(
        &mut self,
        key: &'static Key,
        parse: impl Fn(&Value) -> Result<T, Flaw>,
    ) -> Option<T> {
        let found = self.config.find(key).filter(|found| !written::shown(&found.value).is_empty());
        self.effective.note(Setting::of(key, found.as_ref()));
        let Found { value, place } = found?;
        match parse(&value) {
            Ok(value) => Some(value),
            Err(flaw) => {
                self.problems.push((key.path, Problem { place, flaw }));
                None
            }
        }
    }

    /// A list; every flawed item is told. Absent, it is empty.
    pub(super) fn read_list<T>(
        &mut self,
        key: &'static Key,
        parse: impl Fn(&str) -> Result<T, Flaw>,
    ) -> Vec<T> {
        let mut flaws = Vec::new();
        let items = self.read_optional(key, written::list).unwrap_or_default();
        let mut parsed = Vec::with_capacity(items.len());
        for item in &items {
            match parse(item) {
                Ok(value) => parsed.push(value),
                Err(flaw) => flaws.push(flaw),
            }
        }
        for flaw in flaws {
            self.refuse(key, flaw);
        }
        parsed
    }

    /// Notes what is wrong with a setting in the light of others.
    pub(super) fn refuse(&mut self, key: &'static Key, flaw: Flaw) {
        let found = self.config.find(key);
        let place = found.map_or_else(|| key.path.to_owned(), |found| found.place);
        self.problems.push((key.path, Problem { place, flaw }));
    }

    /// Whether something was found wrong with a setting.
    pub(super) fn has_problem_with(&self, key: &Key) -> bool {
        self.problems.iter().any(|(path, _)| *path == key.path)
    }

    /// Says what holds for a setting that is not written.
    pub(super) fn follows(&mut self, key: &Key, value: String) {
        self.effective.replace(key, value);
    }

    pub(super) fn finish(self) -> (Effective, Vec<Problem>) {
        (self.effective, self.problems.into_iter().map(|(_, problem)| problem).collect())
    }
}
