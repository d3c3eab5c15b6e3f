//! From frames of a labeler to entries, on golden, hostile and simulated frames.

#![expect(clippy::wildcard_enum_match_arm, reason = "a test names what it wants and passes over the rest")]

#[cfg(test)]
mod connection;
#[cfg(test)]
mod craft;
#[cfg(test)]
mod golden;
#[cfg(test)]
mod reasons;
#[cfg(test)]
mod rig;
#[cfg(test)]
mod verdicts;
#[cfg(test)]
mod world;
