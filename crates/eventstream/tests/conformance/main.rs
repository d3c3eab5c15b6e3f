//! The codec against data that other implementations made: valid, hostile, and real.
#![expect(clippy::wildcard_enum_match_arm, reason = "a test names what it wants and panics at the rest")]

#[cfg(test)]
mod cars;
#[cfg(test)]
mod checks;
#[cfg(test)]
mod dag_cbor_suite;
#[cfg(test)]
mod data_model;
#[cfg(test)]
mod fixture;
#[cfg(test)]
mod golden_frames;
#[cfg(test)]
mod golden_labels;
#[cfg(test)]
mod hostile_frames;
#[cfg(test)]
mod hostile_labels;
#[cfg(test)]
mod label_outcome;
#[cfg(test)]
mod outcome;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod real_frames;
#[cfg(test)]
mod record_limits;
#[cfg(test)]
mod reference;
#[cfg(test)]
mod small_vectors;
#[cfg(test)]
mod syntax_lists;
#[cfg(test)]
mod vectors;
