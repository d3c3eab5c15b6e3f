use std::ffi::OsString;

/// What stands at an output: a terminal that people see, or something else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Surface {
    pub(super) is_terminal: bool,
    /// Whether it obeys escape codes.
    pub(super) is_able: bool,
    /// Whether color is possible and wanted.
    pub(super) has_color: bool,
}

impl Surface {
    /// What a terminal can says `TERM`; that it shall have no color, a `NO_COLOR` that is not empty.
    pub(super) fn of(is_terminal: bool, environment: &[(OsString, OsString)]) -> Self {
        let variable =
            |name: &str| environment.iter().find(|(found, value)| found == name && !value.is_empty());
        let is_able = is_terminal && variable("TERM").is_some_and(|(_, kind)| kind != "dumb");
        Self { is_terminal, is_able, has_color: is_able && variable("NO_COLOR").is_none() }
    }
}
