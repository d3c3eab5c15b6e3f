use thiserror::Error;

use super::FieldFault;

/// One label of a sound message that is none. The others of the message are untouched by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("field {field} of a label is unusable: {}", .fault.label())]
pub struct LabelError {
    /// The first field that is wrong, `label` where it is not a map at all.
    pub field: &'static str,
    /// What is wrong with it.
    pub fault: FieldFault,
}

impl LabelError {
    /// A stable lower-case word for metrics.
    #[must_use]
    pub fn label(&self) -> &'static str {
        self.fault.label()
    }
}
