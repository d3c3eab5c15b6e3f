//! The frames of a world and of a labeler, decoded by another implementation.
#![expect(clippy::wildcard_enum_match_arm, reason = "a test names what it wants and panics at the rest")]

#[cfg(test)]
mod decode;
#[cfg(test)]
mod frames;
#[cfg(test)]
mod keys;
#[cfg(test)]
mod labels;
#[cfg(test)]
mod signatures;
