use std::env;
use std::path::PathBuf;
use std::process::Command;

use crate::process::succeeds;
use crate::tools;

/// Names a collector's binary for the tests.
pub(crate) const VARIABLE: &str = "STANDPIPE_COLLECTOR";

/// The last version that needs neither a certain Python nor a new libc.
const PACKAGE: &str = "rotel==0.0.1a8";

/// The OpenTelemetry collector that tests send to: the named one, one that was fetched before, or one that is fetched
/// now. Where none can be had the tests that need one say that they are skipped.
pub(crate) fn find_or_fetch() -> Option<PathBuf> {
    let named = env::var_os(VARIABLE).filter(|named| !named.is_empty()).map(PathBuf::from);
    let found = match named {
        Some(named) => Ok(named),
        None => tools::find_or_fetch_wheel("rotel", PACKAGE, "rotel-agent"),
    };
    match found {
        Ok(collector) if succeeds(Command::new(&collector).arg("version")) => Some(collector),
        Ok(collector) => {
            println!("{} does not run here", collector.display());
            None
        }
        Err(error) => {
            println!("{error}");
            None
        }
    }
}
