use std::env;
use std::path::{Path, PathBuf};

/// The top of this checkout.
pub(crate) fn root() -> &'static Path {
    let crate_dir = Path::new(env!("CARGO_MANIFEST_DIR"));
    crate_dir.ancestors().nth(2).unwrap_or(crate_dir)
}

/// Where cargo builds.
pub(crate) fn target() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), |dir| root().join(dir))
}

/// What tasks fetch and write, so that a clean-up of the target folder takes it along.
pub(crate) fn tools() -> PathBuf {
    target().join("tools")
}
