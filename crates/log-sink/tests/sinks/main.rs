//! The sinks on real files: the contract, what is kept, reading, crashes, full disks, and lines.
#![expect(clippy::wildcard_enum_match_arm, reason = "a test names what it wants and panics at the rest")]

#[cfg(test)]
mod beside;
#[cfg(test)]
mod blocking;
#[cfg(test)]
mod child;
#[cfg(test)]
mod contract;
#[cfg(test)]
mod crash;
#[cfg(test)]
mod disk;
#[cfg(test)]
mod lines;
#[cfg(test)]
mod memory;
#[cfg(test)]
mod numbered;
#[cfg(test)]
mod reading;
#[cfg(test)]
mod retention;
#[cfg(test)]
mod support;
