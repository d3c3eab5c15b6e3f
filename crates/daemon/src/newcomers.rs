use std::fmt;
use std::sync::Arc;

use standpipe_supervisor::AddError;

use crate::host::Host;

/// Takes on hosts that are in no settings, but were found while the daemon runs. Clones are one.
pub struct Newcomers<H>(Arc<dyn Fn(H) -> Result<bool, AddError> + Send + Sync>);

impl<H: Host> Newcomers<H> {
    /// Has them taken on by this.
    pub fn by(take_on: impl Fn(H) -> Result<bool, AddError> + Send + Sync + 'static) -> Self {
        Self(Arc::new(take_on))
    }

    /// Has a host read from now on, until the process ends. Answers whether it is new; one that is read already goes on
    /// as it is.
    ///
    /// # Errors
    ///
    /// [`AddError::Over`] once the daemon is stopping.
    pub fn take_on(&self, host: H) -> Result<bool, AddError> {
        (self.0)(host)
    }
}

impl<H> Clone for Newcomers<H> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<H> fmt::Debug for Newcomers<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Newcomers")
    }
}
