use std::fmt;
use std::io;
use std::path::PathBuf;

use standpipe_cursor::EndpointError;
use standpipe_log_sink::ReaderNameError;
use standpipe_projection::FilterError;
use standpipe_redis_sink::AddressError;
use standpipe_subscription::ContactError;
use thiserror::Error;

/// What is wrong with something that was written.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Flaw {
    /// No setting of that name.
    #[error("there is no such setting")]
    Unknown,
    /// A table where a value belongs, or a value where a table does.
    #[error("expected {expected}")]
    Shape {
        /// What belongs there.
        expected: &'static str,
    },
    /// None of the words that are allowed.
    #[error("{found:?} is none of {}", one_of(.allowed))]
    Word {
        /// What was written.
        found: String,
        /// What may be written.
        allowed: &'static [&'static str],
    },
    /// Not a whole number.
    #[error("{found:?} is no whole number")]
    Count {
        /// What was written.
        found: String,
    },
    /// Not a size in bytes.
    #[error("{found:?} is no size; write bytes, or a number with its unit, like 512KiB, 64MiB or 4GiB")]
    Size {
        /// What was written.
        found: String,
    },
    /// Not a duration.
    #[error("{found:?} is no duration; write a number with its unit, like 500ms, 30s or 5m")]
    Duration {
        /// What was written.
        found: String,
    },
    /// Outside of what makes sense.
    #[error("{found} is not between {least} and {most}")]
    Range {
        /// What was written.
        found: String,
        /// The least that is allowed.
        least: String,
        /// The most that is allowed.
        most: String,
    },
    /// Not an address with a port.
    #[error("{found:?} is no address and port, like 127.0.0.1:4100 or [::1]:4100")]
    Address {
        /// What was written.
        found: String,
    },
    /// Not a port.
    #[error("{found:?} is no port from 1 to 65535")]
    Port {
        /// What was written.
        found: String,
    },
    /// Not a filter for log lines.
    #[error("{found:?} is no filter; write a level, or directives like info,standpipe_redis_sink=debug")]
    Filter {
        /// What was written.
        found: String,
    },
    /// A DID that nobody can look up.
    #[error("{did} cannot be looked up; only did:plc and did:web can")]
    DidMethod {
        /// What was written.
        did: String,
    },
    /// Not a host.
    #[error(transparent)]
    Host(#[from] EndpointError),
    /// One host under two spellings would be two writers of one cursor.
    #[error("the host {name} is named twice")]
    HostTwice {
        /// Its canonical name.
        name: String,
    },
    /// Nothing to do: a daemon without hosts is a mistake.
    #[error("no host is named; write at least one, such as bsky.network")]
    NoHost,
    /// Not a pattern, or not a DID.
    #[error(transparent)]
    Pattern(#[from] FilterError),
    /// Not a contact.
    #[error(transparent)]
    Contact(#[from] ContactError),
    /// Not the address of a Redis server. What was written is not quoted, since it may hold a password.
    #[error(transparent)]
    RedisAddress(#[from] AddressError),
    /// Not the address of a collector. What was written is not quoted, since it may hold a password.
    #[error("it is no plain URL like http://127.0.0.1:4318; credentials belong into otlp.headers")]
    Collector,
    /// Not a way to speak to a collector.
    #[error("{found:?} is not spoken here; only http/protobuf is, usually on port 4318")]
    Protocol {
        /// What was written.
        found: String,
    },
    /// Not a part of a whole.
    #[error("{found:?} is no number from 0.0 to 1.0")]
    Ratio {
        /// What was written.
        found: String,
    },
    /// Not a name with a value. What was written is not quoted, since it may hold a password.
    #[error("write name=value, with commas between pairs, and %2C for a comma in a value")]
    Pair,
    /// Not a header. What was written is not quoted, since it may hold a password.
    #[error("a header has a name or a value that HTTP does not allow")]
    Header,
    /// Not a name of a reader.
    #[error(transparent)]
    ReaderName(#[from] ReaderNameError),
    /// Delivery would stop and go at once, or never go on.
    #[error("the low-water mark {low} is not below the high-water mark {high}")]
    LowWater {
        /// Where delivery would go on.
        low: u64,
        /// Where it would wait.
        high: u64,
    },
    /// Something else that was written needs it.
    #[error("it is needed{because}")]
    Missing {
        /// Why, as the rest of the sentence.
        because: &'static str,
    },
    /// It does not go with something else that was written.
    #[error("{because}")]
    Senseless {
        /// Why.
        because: &'static str,
    },
    /// A file or folder that was named cannot be read.
    #[error("read {}: {source}", path.display())]
    File {
        /// Its path.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The settings file is no TOML. Only the place and the parser's word are told: the line may hold a password.
    #[error("line {line}: {message}")]
    Toml {
        /// The line, from 1.
        line: usize,
        /// What the parser expected.
        message: String,
    },
    /// A variable whose value is no text.
    #[error("its value is not valid UTF-8")]
    NotText,
}

/// A [`Flaw`], and where it was written.
#[derive(Debug)]
pub struct Problem {
    /// The file and key, variable or flag; the setting's key where nothing was written.
    pub place: String,
    /// What is wrong.
    pub flaw: Flaw,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.flaw)
    }
}

/// Everything that is wrong with the settings, one problem a line.
#[derive(Debug, Error)]
#[error("{}", lines(.problems))]
pub struct SettingsError {
    /// At least one.
    pub problems: Vec<Problem>,
}

fn lines(problems: &[Problem]) -> String {
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

fn one_of(words: &[&str]) -> String {
    words.join(", ")
}
