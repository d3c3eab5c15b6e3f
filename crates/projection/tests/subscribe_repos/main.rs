//! `subscribeRepos` from frames as they come to entries as consumers read them: golden, real, hostile and made to
//! order.
#![expect(clippy::wildcard_enum_match_arm, reason = "a test names what it wants and panics at the rest")]

#[cfg(test)]
mod accounting;
#[cfg(test)]
mod connection;
#[cfg(test)]
mod craft;
#[cfg(test)]
mod filters;
#[cfg(test)]
mod fixture;
#[cfg(test)]
mod golden;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod limits;
#[cfg(test)]
mod mutated;
#[cfg(test)]
mod pumped;
#[cfg(test)]
mod real;
#[cfg(test)]
mod reasons;
#[cfg(test)]
mod rig;
#[cfg(test)]
mod world;
